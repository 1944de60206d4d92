/** Backups that hubs make by themselves: by one of several, whole or not at all, old ones after new ones. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backupDatabase } from '../../../src/hub/backup/embedded-backup.ts';
import type { HubOptions } from '../../../src/hub/hub.ts';
import { until } from '../../helpers/eventually.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { hubFixture, temporaryFolder, type Fixture } from '../hub-fixture.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

type Backups = NonNullable<HubOptions['backups']>;
const DAY_MS = 86_400_000;

describe('a hub with backups in its configuration', () => {
  const postgres = withPostgres();

  it('makes one that can be restored, and no other hub makes another', async () => {
    const fixture = await hubFixture(postgres());
    const folders = [join(temporaryFolder(), 'a'), join(temporaryFolder(), 'b')] as const;
    const said: string[] = [];
    const notDone: (readonly string[] | undefined)[] = [];
    const plan = (folder: string): Backups => {
      const { make, ...rest } = planOf(fixture, folder, { verify: true });
      return {
        ...rest,
        onState: (words) => void said.push(words),
        make: async (...to) => {
          const made = await make(...to);
          notDone.push((made.verified as { notDone: readonly string[] } | undefined)?.notDone);
          return made;
        },
      };
    };
    await declareQueries(fixture);
    await start(fixture, plan(folders[0]));
    await start(fixture, plan(folders[1]), other());
    const { trouble } = await fixture.until<{ trouble: string }>(
      `select coalesce(trouble, 'none') as trouble from swarmplane.backup where ended_at is not null`,
    );
    expect(trouble).toBe('none');
    const made = await fixture.query<{ file: string; folder: string; bytes: string }>(
      'select file, folder, bytes from swarmplane.backup',
    );
    expect(made).toHaveLength(1);
    expect(folders.flatMap((folder) => wholeOf(folder))).toEqual([made[0]!.file]);
    await fixture.until(`select from swarmplane.backup_plan having count(*) = 2`);
    const text = gunzipSync(readFileSync(join(made[0]!.folder, made[0]!.file))).toString();
    expect(text.trim().split('\n').at(-1)).toContain('"kind":"done"');
    // What was made at run time is there again as well.
    expect(notDone).toEqual([[]]);
    for (const view of ['schedule_later', 'people_changes']) expect(text).toContain(view);
    await until(() => said.some((words) => words.startsWith('last verified 2')));
  });

  it('removes its own oldest after a new one is good, and nothing else', async () => {
    const fixture = await hubFixture(postgres());
    const folder = temporaryFolder();
    const strange = [
      'swarmplane-20200101T000000Z.backup',
      'notes.txt',
      `swarmplane-20200101T000000Z.backup.partial-${process.ppid}`,
    ];
    // Of a process that is gone, and of one that had this one's id, as they all have in a container.
    const dead = [4_194_304, process.pid].map(
      (pid) => `swarmplane-20200102T000000Z.backup.partial-${pid}`,
    );
    for (const name of [...strange, ...dead]) writeFileSync(join(folder, name), 'theirs');
    const most: number[] = [];
    const { make, ...plan } = planOf(fixture, folder, { everyMs: 1_100, keep: 2 });
    const watched: Backups['make'] = async (file, ...rest) => {
      most.push(wholeOf(folder).length);
      return make(file, ...rest);
    };
    const hub = await start(fixture, { ...plan, make: watched });
    await fixture.until(
      `select from swarmplane.backup where removed_at is not null having count(*) = 2`,
    );
    await hub.stop();
    // The strange one and the two that are kept; never fewer, once they were there.
    expect(most.slice(0, 4)).toEqual([1, 2, 3, 3]);
    const kept = await fixture.query<{ file: string }>(
      `select file from swarmplane.backup where removed_at is null and file is not null order by file`,
    );
    expect(
      readdirSync(folder)
        .filter((name) => !strange.includes(name))
        .sort(),
    ).toEqual(kept.map(({ file }) => file));
    for (const name of strange) expect(readFileSync(join(folder, name), 'utf8')).toBe('theirs');
    for (const name of dead) expect(existsSync(join(folder, name))).toBe(false);
  });

  it('says that one failed and leaves nothing in its place, then that one is good', async () => {
    const fixture = await hubFixture(postgres());
    const folder = join(temporaryFolder(), 'made');
    let full = true;
    const { make, ...plan } = planOf(fixture, folder, { everyMs: 1_100 });
    // What a full disk does: the file is there in part when its writing fails.
    const failing: Backups['make'] = (file, verify, signal) => {
      if (!full) return make(file, verify, signal);
      const aborted = new AbortController();
      const written = make(file, verify, aborted.signal);
      aborted.abort(new Error('no space left on device'));
      return written;
    };
    await start(fixture, { ...plan, make: failing });
    const { trouble } = await fixture.until<{ trouble: string }>(
      'select trouble from swarmplane.backup where trouble is not null',
    );
    expect(trouble).toContain(folder);
    await fixture.until(
      `select from swarmplane.alert where kind = 'backup_failed' and key = 'hub1' and resolved_at is null`,
    );
    expect(readdirSync(folder)).toEqual([]);
    full = false;
    await fixture.until(
      `select from swarmplane.backup where ended_at is not null and trouble is null`,
    );
    await fixture.until(
      `select from swarmplane.alert where kind = 'backup_failed' having bool_and(resolved_at is not null)`,
    );
  });

  it('does not wait at its stop for one under way, which another hub makes then', async () => {
    const fixture = await hubFixture(postgres());
    const plan = planOf(fixture, temporaryFolder(), {});
    const hub = await start(fixture, { ...plan, make: () => new Promise(() => undefined) });
    await fixture.until(`select from swarmplane.backup`);
    await hub.stop();
    await fixture.query(`update swarmplane.backup set lease_until = now()`);
    await start(fixture, plan, other());
    await fixture.until(`select from swarmplane.backup where trouble like 'interrupted%'`);
    await fixture.until(
      `select from swarmplane.backup where ended_at is not null and trouble is null`,
    );
  });

  function start(fixture: Fixture, backups: Backups, asker = fixture.asker) {
    return fixture.startHub({}, asker, undefined, { backups });
  }
});

/** A tracked query, and the view of a schedule. */
async function declareQueries(fixture: Fixture): Promise<void> {
  const described = '{"columns": [{"name": "n", "type": "BIGINT"}], "tables": [], "sensitive": []}';
  await fixture.query(
    `insert into swarmplane.node (identity, name, state) values (repeat('f', 64), 'web9', 'alive')`,
  );
  await fixture.query(`select swarmplane.track_query('people', 'select 1 as n', key => '{n}')`);
  await fixture.query(
    `insert into swarmplane.schedule (name, sql, every, active) values ('later', 'select 2 as n', '1 day', false)`,
  );
  for (const [of, name, sql] of [
    ['query', 'people', 'select 1 as n'],
    ['schedule', 'later', 'select 2 as n'],
  ])
    await fixture.query('select swarmplane.describe($1, $2, $3, $4)', [of, name, sql, described]);
  await fixture.query(`select swarmplane.schedule_view('later')`);
}

function other(): ScriptedAsker {
  const asker = new ScriptedAsker(['hub1', 'web1', 'web2']);
  return Object.assign(asker, { nodeId: 'e'.repeat(64), name: 'hub2' });
}

function planOf(fixture: Fixture, folder: string, plan: Partial<Backups>): Backups {
  const own = temporaryFolder();
  // A server of root's runs as another user, who must get there.
  const homeForRoot = `${own}-home`;
  onTestFinished(() => rmSync(homeForRoot, { recursive: true, force: true }));
  return {
    everyMs: DAY_MS,
    keep: 7,
    verify: false,
    folder,
    make: (file, verify, signal) =>
      backupDatabase({
        url: fixture.database.url,
        file,
        signal,
        ...(verify && { verifyIn: join(own, 'verify'), homeForRoot }),
      }),
    ...plan,
  };
}

function wholeOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.backup')) : [];
}
