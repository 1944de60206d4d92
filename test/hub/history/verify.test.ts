/** Whoever changes history by hand is found, and told which host, table and taking it was. */
import { beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { checkHistory } from '../../../src/hub/history/verify.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { SWARM_ID, type HistoryHost } from './host.ts';
import { daysAgo, HistorySite } from './site.ts';

const T = daysAgo(3);
const HOUR = 3_600_000;
const HISTORY_OPEN = 'alter table inventory.packages_history disable trigger all;';
const WRONG_STATE = 'the rows that are kept are not those the host signed';

describe('history verify', () => {
  const postgres = withPostgres();
  let site: HistorySite;
  let web1: HistoryHost;

  beforeAll(async () => {
    site = await HistorySite.make(postgres());
    web1 = await site.add('web1');
    web1.take(T, [
      ['bash', '1', 10],
      ['vim', '1', null],
    ]);
    web1.take(T + HOUR, [
      ['bash', '1', 10],
      ['vim', '1', null],
    ]);
    web1.gap(T + 2 * HOUR, 'truncated', 'too many rows');
    web1.take(T + 3 * HOUR, [
      ['bash', '2', 2 ** 40],
      ['vim', '1', null],
    ]);
    web1.take(T + 4 * HOUR, [['bash', '2', 2 ** 40]]);
    web1.take(T + 5 * HOUR, [['bash', '2', 2 ** 40]]);
    // the clock went back, then far ahead
    web1.take(T, [['bash', '3', 1]]);
    web1.take(Date.now() + 1000 * HOUR, [['bash', '4', 1]]);
    await site.ingest(web1, web1.journal);
  });

  it('finds nothing where nothing was changed', async () => {
    expect(await check()).toMatchObject([
      { table: 'packages', takings: 8, rows: 5, unchecked: 0, findings: [] },
    ]);
  });

  it('checks no signature by a key that this machine does not have', async () => {
    const all = await check(undefined, new Map());
    expect(all[0]!.unchecked).toBe(8);
  });

  it.each<[string, string, number, string]>([
    [
      'a row that holds',
      `update inventory.packages_current set version = '666'`,
      8,
      'the row name="bash" was changed after the host said it',
    ],
    [
      'a row that held',
      `${HISTORY_OPEN} update inventory.packages_history set size = 11 where version = '1' and name = 'bash'`,
      1,
      'the row name="bash" was changed after the host said it',
    ],
    [
      'a row with its hash',
      `${HISTORY_OPEN} update inventory.packages_history set version = '9',
          row_hash = sha256('\\x03000000046261736803000000013901'::bytea || int8send(10))
        where version = '1' and name = 'bash'`,
      1,
      WRONG_STATE,
    ],
    [
      'a row that is gone',
      `${HISTORY_OPEN} delete from inventory.packages_history where name = 'vim'`,
      1,
      WRONG_STATE,
    ],
    [
      'a row that was made up',
      `insert into inventory.packages_current select valid_from, node_id, shape, sha256('x'), 'nc', '1', 1 from inventory.packages_current`,
      8,
      'the row name="nc" was changed after the host said it',
    ],
    [
      'a row moved in time',
      `${HISTORY_OPEN} update inventory.packages_history set valid_to = valid_to - interval '10 minutes' where name = 'vim'`,
      4,
      'the row name="vim" ends at a time at which nothing was taken',
    ],
    [
      'the hash of a taking',
      `update swarmplane.taking set hash = sha256('x') where sequence = 2`,
      2,
      'it is not what the host signed',
    ],
    [
      'the time of a taking',
      `update swarmplane.taking set host_at = host_at - interval '1 hour' where sequence = 4`,
      4,
      'it is not what the host signed',
    ],
    [
      'a taking moved in time',
      `update swarmplane.taking set at = at + interval '10 minutes' where sequence = 6`,
      6,
      'it was moved to another time than the host gave it',
    ],
    [
      'the reason of a gap',
      `update swarmplane.taking set reason = 'all is well' where kind = 'gap'`,
      3,
      'it is not what the host signed',
    ],
    [
      'a taking that is gone, with its rows',
      `${HISTORY_OPEN} delete from swarmplane.taking where sequence = 5;
       update inventory.packages_history set valid_to = (select at from swarmplane.taking where sequence = 7)
        where name = 'vim'`,
      6,
      'a taking before it is missing',
    ],
    [
      'the newest taking put back',
      `delete from swarmplane.taking where sequence = 8`,
      7,
      'swarmplane.head says 8 takings were handed over',
    ],
    [
      'a shape',
      `update swarmplane.table_shape set columns = columns #- '{2}'`,
      8,
      'the row name="bash" has a shape that no host declared',
    ],
  ])('finds %s', async (_title, tampering, sequence, what) => {
    const [verified] = await check(tampering);
    expect(verified!.findings).toContainEqual(
      expect.objectContaining({ nodeId: web1.nodeId, table: 'packages', sequence, what }),
    );
  });

  /** As a superuser changed it, and only for this check. */
  async function check(
    tampering = '',
    keys = new Map([[web1.identity.newest.version, web1.identity.newest.signKey]]),
  ): Promise<Awaited<ReturnType<typeof collect>>> {
    const client = await site.database.pool(site.database.superUrl).connect();
    try {
      await client.query(`begin; ${tampering}`);
      return await collect(client, keys);
    } finally {
      await client.query('rollback');
      client.release();
    }
  }

  async function collect(client: pg.ClientBase, keys: ReadonlyMap<number, Uint8Array>) {
    const options = { swarmId: SWARM_ID, keysOf: () => Promise.resolve(keys) };
    const all = [];
    for await (const one of checkHistory(client, options)) all.push(one);
    return all;
  }
});
