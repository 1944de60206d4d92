/** What others do to a database: locks that they hold, settings, roles that go, its clock, its disk. Each undoes itself. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { Lane } from './faults.ts';
import type { Fleet } from './fleet.ts';

/** Begins the names of roles that ask and are dropped then. */
export const GONE = 'chaos_gone_';

/** Rows and tables that hubs write again and again. */
const ROWS = ['request', 'delivery', 'node', 'handover', 'alert', 'hub', 'setting', 'lease'];
const TABLES = ['alert', 'delivery', 'result', 'schedule', 'node_address', 'setting'];
/** What an administrator may set for a database, and hubs are not to depend on. */
const SETTINGS: Readonly<Record<string, string>> = {
  datestyle: `'German, DMY'`,
  intervalstyle: `'sql_standard'`,
  timezone: `'Pacific/Kiritimati'`,
  default_transaction_isolation: `'serializable'`,
  bytea_output: `'escape'`,
  extra_float_digits: '-10',
  search_path: `'pg_catalog'`,
  standard_conforming_strings: 'off',
};

export const STRANGERS: Lane = {
  'rows held by a stranger': (fleet, random) => {
    const sql = `select from swarmplane.${random.pick(ROWS)} for update`;
    return held(fleet, sql, random.between(500, 6_000));
  },
  'a table held by a stranger': (fleet, random) => {
    const sql = `lock table swarmplane.${random.pick(TABLES)} in share mode`;
    return held(fleet, sql, random.between(500, 3_000));
  },
  'settings changed': async (fleet, random) => {
    const name = random.pick(Object.keys(SETTINGS));
    const database = fleet.database.name;
    if (!(await asSuper(fleet, `alter database ${database} set ${name} = ${SETTINGS[name]!}`)))
      return false;
    for (const { proxy } of fleet.hubs) proxy.cut();
    await pause(random.between(500, 4_000));
    await surely(fleet, `alter database ${database} reset ${name}`);
    for (const { proxy } of fleet.hubs) proxy.cut();
  },
  'a role dropped while it asks': async (fleet, random) => {
    const role = `${GONE}${random.between(1, 1e9)}`;
    const asks = Array.from(
      { length: 3 },
      () =>
        `insert into swarmplane.request (sql, hosts) values ('select 1', '{${random.pick(fleet.agents).name}}');`,
    );
    const made = await asSuper(
      fleet,
      `begin; create role ${role}; grant swarmplane_asker to ${role};
       set local session authorization ${role}; ${asks.join(' ')} reset session authorization; commit`,
    );
    await surely(fleet, `drop role if exists ${role}`);
    return made;
  },
};

/** Only where the fleet's server has a clock that can be set, a disk that can be filled. */
export const MACHINE: Lane = {
  'the clock of the server jumps, and is set back': async (fleet, random) => {
    if (fleet.clock === undefined) return false;
    fleet.clock.set('+20m');
    await pause(random.between(1_000, 5_000));
    fleet.clock.set('+0');
  },
  'the disk of the server is full': async (fleet, random) => {
    if (!fleet.hasDisk) return false;
    const file = join(fleet.postgres.dataDir, 'filler');
    fill(file);
    await pause(random.between(500, 4_000));
    rmSync(file);
    // It may have ended for want of room, or come back by itself.
    await fleet.postgres.ready();
    if (!(await asSuper(fleet, 'select 1'))) await fleet.postgres.restart();
  },
};

function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (let chunk = 1 << 20; chunk >= 512; chunk >>= 1) {
      const zeros = Buffer.alloc(chunk);
      try {
        while (writeSync(descriptor, zeros) === chunk);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(descriptor);
  }
}

/** False where the server was away. */
async function held(fleet: Fleet, sql: string, ms: number): Promise<boolean> {
  const client = stranger(fleet);
  try {
    await client.connect();
    await client.query('begin');
    await client.query(`set local lock_timeout = '5s'`);
    await client.query(sql);
    await pause(ms);
    await client.query('rollback');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function asSuper(fleet: Fleet, sql: string): Promise<boolean> {
  const client = stranger(fleet);
  try {
    await client.connect();
    await client.query(sql);
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** However often the server goes meanwhile. */
async function surely(fleet: Fleet, sql: string): Promise<void> {
  while (!(await asSuper(fleet, sql))) await pause(100);
}

function stranger(fleet: Fleet): pg.Client {
  const client = new pg.Client({ connectionString: fleet.database.superUrl });
  client.on('error', () => undefined);
  return client;
}
