/** A day without a hub: real trackers and journals on clocks of the test's, a real hub and database after it. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RequestEvent, RequestSpec } from '../../../src/agent/index.ts';
import { checkHistory } from '../../../src/hub/history/verify.ts';
import { Hub } from '../../../src/hub/hub.ts';
import { silentLog } from '../../../src/hub/log.ts';
import { Identity } from '../../../src/secure/index.ts';
import { World } from '../../agent/history/world.ts';
import { SimDisk } from '../../agent/sim-disk.ts';
import { until } from '../../helpers/eventually.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { Random } from '../../sim/random.ts';
import { HistorySite, iso } from './site.ts';
import { temporaryFolder } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

const HOSTS = 20;
/** The journals of the first ones are too small for a day. */
const BOUNDED = 4;
const HOUR = 3600;
const EVERY_MS = 30 * 60_000;

describe('a hub that was off for a day', () => {
  const postgres = withPostgres();

  it('has what 20 hosts were at any instant of it, and gaps where they could not keep it', async () => {
    const random = new Random(6);
    const site = await HistorySite.make(postgres());
    await site.query(`delete from swarmplane.track_wish where table_name <> 'packages'`);
    await site.query(`select swarmplane.track('packages', '30 minutes')`);
    const hosts = await Promise.all(Array.from({ length: HOSTS }, (_, n) => Host.make(n, random)));
    const asker = new WorldsAsker(hosts);
    const before = await startHub(site, asker);
    await told(site, hosts);
    for (const host of hosts) await host.pass(HOUR);
    await allFetched(site, hosts);
    await before.stop();

    for (const host of hosts) await host.pass(24 * HOUR);

    await startHub(site, asker);
    for (const host of hosts) await host.pass(HOUR);
    await allFetched(site, hosts);

    const gaps = await site.query<{ host: string; since: Date; until: Date; lost: number }>(
      'select host, since, until, takings_lost as lost from swarmplane.gap order by host',
    );
    expect(gaps.map(({ host }) => host)).toEqual(hosts.slice(0, BOUNDED).map(({ name }) => name));
    expect(await site.query('table inventory.overlap')).toEqual([]);
    let inGap = 0;
    for (let n = 0; n < 150; n++) {
      const at = hosts[0]!.startedAt + random.between(HOUR, 25 * HOUR) * 1000;
      for (const { host, rows } of await asOf(site, at)) {
        const gap = gaps.find((one) => one.host === host && +one.since <= at && at < +one.until);
        inGap += Number(gap !== undefined);
        const wrong = !hosts.find(({ name }) => name === host)!.was(rows, at - EVERY_MS, at);
        if (gap === undefined && wrong) expect.fail(`${host} was never ${rows} by ${iso(at)}`);
      }
    }
    expect(inGap, 'instants in gaps').toBeGreaterThan(50);
    expect(inGap, 'instants in gaps').toBeLessThan(150 * BOUNDED);
    for (const { takings, findings, unchecked } of await verify(site, hosts)) {
      expect(findings).toEqual([]);
      expect([takings > 10, unchecked]).toEqual([true, 0]);
    }
    const counted = await site.lines(`
      select n.name, sum(coalesce(c.dropped_to - c.dropped_from, 0) + 1)
        from swarmplane.taking c join swarmplane.node n on n.id = c.node_id group by 1 order by 1`);
    expect(counted).toEqual(hosts.map(({ name, sequence }) => `${name} ${sequence}`));
  }, 120_000);
});

/** A host with its own clock, whose packages change at moments of chance. */
class Host {
  readonly name: string;
  readonly world: World;
  readonly startedAt: number;
  readonly #random: Random;
  /** From when on the table was what. */
  readonly #versions: { readonly since: number; readonly rows: string }[] = [];

  static async make(n: number, random: Random): Promise<Host> {
    const host = new Host(n, random.fork());
    await host.world.open();
    return host;
  }

  private constructor(n: number, random: Random) {
    this.name = `web${String(n).padStart(2, '0')}`;
    this.#random = random;
    const identity = Identity.create((count) => new Uint8Array(randomBytes(count)), 1_700_000_000);
    const swarmId = new Uint8Array(32).fill(7);
    this.world = new World(new SimDisk(() => 0.5), { identity, swarmId });
    this.world.wall = this.startedAt = Date.now() - 27 * HOUR * 1000;
    if (n < BOUNDED) this.world.bytes = 20_000;
    this.#change();
  }

  get sequence(): number {
    return this.world.history.status.tables[0]?.sequence ?? 0;
  }

  async pass(seconds: number): Promise<void> {
    for (let left = seconds; left > 0;) {
      const step = Math.min(left, this.#random.between(60, 2 * HOUR));
      await this.world.pass(step);
      left -= step;
      this.#change();
    }
  }

  was(rows: string, from: number, to: number): boolean {
    return this.#versions.some(
      (one, n) =>
        one.rows === rows && one.since <= to && (this.#versions[n + 1]?.since ?? to) >= from,
    );
  }

  #change(): void {
    const names = ['bash', 'curl', 'vim', 'zsh'].filter(() => this.#random.hits(0.5));
    const rows = [`release ${this.#versions.length}`, ...names].sort();
    this.world.tables.set('packages', rows);
    this.#versions.push({ since: this.world.wall, rows: rows.join() });
  }
}

/** A swarm of them. */
class WorldsAsker extends ScriptedAsker {
  readonly #worlds: ReadonlyMap<string, World>;

  constructor(hosts: readonly Host[]) {
    super(['hub1']);
    this.set('hub1', 'left');
    this.#worlds = new Map(hosts.map(({ world }) => [world.nodeId, world]));
    for (const { name, world } of hosts) this.set(name, 'alive', { nodeId: world.nodeId });
  }

  override async *request({ kind, body, targets }: RequestSpec): AsyncIterable<RequestEvent> {
    const requestId = '0'.repeat(32);
    for (const nodeId of targets.kind === 'nodes' ? targets.nodes : []) {
      const payload = await this.#worlds.get(nodeId)!.serve(kind as 'track', body);
      const outcome = { nodeId, name: '', state: 'ok' as const, rowCount: 0, truncated: false };
      const proof = new Uint8Array();
      yield { kind: 'answer', requestId, outcome, payload, unexpected: false, proof };
    }
    yield { kind: 'account', requestId, account: { requestId, hosts: [], unexpected: [] } };
  }
}

async function startHub(site: HistorySite, asker: WorldsAsker): Promise<Hub> {
  const hub = await Hub.start({
    databaseUrl: site.database.url,
    asker,
    log: silentLog,
    tuning: QUICK,
    spoolFolder: temporaryFolder(),
  });
  onTestFinished(() => hub.stop());
  return hub;
}

async function told(site: HistorySite, hosts: readonly Host[]): Promise<void> {
  const isTold = ({ world }: Host): boolean => world.history.status.tables.length === 1;
  await inTurns(site, () => hosts.every(isTold), 'hosts are told');
}

async function allFetched(site: HistorySite, hosts: readonly Host[]): Promise<void> {
  const wanted = hosts.map(({ name, sequence }) => `${name} ${sequence}`).join();
  const heads = `select n.name, h.sequence from swarmplane.head h join swarmplane.node n on n.id = h.node_id order by 1`;
  await inTurns(site, async () => (await site.lines(heads)).join() === wanted, wanted);
}

/** Hosts' turns come as often as it is looked. */
async function inTurns(
  site: HistorySite,
  holds: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const look = async (): Promise<boolean> => {
    if (await holds()) return true;
    await site.query('select swarmplane.wish_soon()');
    return false;
  };
  await until(look, what, { everyMs: 20 });
}

async function asOf(
  site: HistorySite,
  at: number,
): Promise<readonly { host: string; rows: string }[]> {
  return site.query(
    `select host, string_agg(name, ',' order by name collate "C") as rows from inventory.packages_as_of($1) group by 1`,
    [iso(at)],
  );
}

async function verify(site: HistorySite, hosts: readonly Host[]) {
  const client = await site.pool.connect();
  const keys = new Map(
    hosts.map(({ world: { identity } }) => [
      identity.nodeId,
      new Map([[identity.newest.version, identity.newest.signKey]]),
    ]),
  );
  const options = {
    swarmId: hosts[0]!.world.swarmId,
    keysOf: (nodeId: string) => Promise.resolve(keys.get(nodeId)),
  };
  const all = [];
  for await (const one of checkHistory(client, options)) all.push(one);
  client.release();
  return all;
}
