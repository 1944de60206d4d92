/** What the agent says of itself and of the swarm. */
import { describe, expect, it } from 'vitest';

import { hostFacts } from '../../../src/agent/requests/facts.ts';
import { allTables, findTable } from '../../../src/tables/index.ts';
import type { HostFacts } from '../../../src/tables/types.ts';
import { rowsOf } from '../lib/context.ts';

const facts: HostFacts = {
  members: [{ node_id: 'aa', name: 'demo1', state: 'alive', self: 1 }],
  links: [{ node_id: 'bb', address: '127.0.0.1:4', bytes_in: 5 }],
  alarms: [{ kind: 'clone', key: 'bb', count: 2 }],
  seals: [{ chain: 'cc', hub: 'aa', number: 3 }],
  tracks: [{ name: 'users', sequence: 7, fetched: 5 }],
  agent: {
    version: '0.1.0',
    node_id: 'aa',
    name: 'demo1',
    pid: 42,
    start_time: 1_700_000_000,
    config_path: '/x/config.yaml',
  },
};

describe('the tables of the swarm', () => {
  it('hand the agent’s facts through', async () => {
    expect(await rowsOf(findTable('swarm_members')!, { facts })).toEqual(facts.members);
    expect(await rowsOf(findTable('swarm_links')!, { facts })).toEqual(facts.links);
    expect(await rowsOf(findTable('swarm_alarms')!, { facts })).toEqual(facts.alarms);
    expect(await rowsOf(findTable('swarm_seals')!, { facts })).toEqual(facts.seals);
    expect(await rowsOf(findTable('swarm_tracks')!, { facts })).toEqual(facts.tracks);
  });

  it('give seals and takings their whole rows', () => {
    const rows = hostFacts('swarm_seals, swarm_tracks', SOURCE);
    expect(rows.seals).toEqual([
      {
        chain: '00112233-4455-6677-8899-aabbccddeeff',
        number: 3,
        hash: 'ab',
        time: 7,
        hub: 'cc',
        key_version: 1,
        head: SEAL.head,
      },
    ]);
    expect(rows.tracks).toEqual([
      { name: 'users', every: 60, line: 'dd', sequence: 4, fetched: 3, time: 9 },
      { name: 'groups', every: 60, line: null, sequence: 0, fetched: null, time: null },
    ]);
    const columns = (name: string): string[] =>
      findTable(name)!
        .columns.map((it) => it.name)
        .sort();
    expect(columns('swarm_seals')).toEqual(Object.keys(rows.seals![0]!).sort());
    expect(columns('swarm_tracks')).toEqual(Object.keys(rows.tracks![0]!).sort());
  });

  it('have a column for everything the agent tells of members, links and alarms', () => {
    const rows = hostFacts('swarm_members, "SWARM_LINKS", swarm_alarms', SOURCE);
    const columns = (name: string): string[] =>
      findTable(name)!.columns.map((column) => column.name);
    expect(columns('swarm_members')).toEqual(
      expect.arrayContaining(Object.keys(rows.members![0]!)),
    );
    expect(columns('swarm_links')).toEqual(expect.arrayContaining(Object.keys(rows.links![0]!)));
    expect(columns('swarm_alarms')).toEqual(expect.arrayContaining(Object.keys(rows.alarms![0]!)));
  });
});

describe('a query that names no table of the swarm', () => {
  it('carries no member to its process', () => {
    expect(hostFacts('select * from users', SOURCE)).toEqual({ agent: { pid: 42 } });
    expect(Object.keys(hostFacts('select * from swarm_links', SOURCE))).toEqual(['agent', 'links']);
    for (const table of ['config_lines', '"CURL"'])
      expect(hostFacts(`select * from ${table}`, SOURCE).allowed, table).toBe(SOURCE.allowed);
  });
});

describe('osquery’s own tables', () => {
  it('tell of this agent', async () => {
    const [info] = await rowsOf(findTable('osquery_info')!, { facts });
    expect(info).toMatchObject({ pid: 42, version: '0.1.0', instance_id: 'aa', config_valid: 1 });
    expect(info).toMatchObject({ start_time: 1_700_000_000, build_platform: 'linux', watcher: -1 });
    const flags = new Map(
      (await rowsOf(findTable('osquery_flags')!, { facts })).map((row) => [row.name, row.value]),
    );
    expect(flags.get('config_path')).toBe('/x/config.yaml');
    expect(flags.get('disable_events')).toBe('true');
    expect(await rowsOf(findTable('osquery_extensions')!, { facts })).toMatchObject([
      { uuid: 0, name: 'core', version: '0.1.0' },
    ]);
  });

  it('list exactly the tables there are', async () => {
    const rows = await rowsOf(findTable('osquery_registry')!);
    expect(rows.map((row) => row.name)).toEqual(allTables.map((table) => table.name));
    expect(rows.map((row) => row.name)).toContain('osquery_registry');
  });

  it('have no packs, schedule or events, as there are none', async () => {
    for (const name of ['osquery_packs', 'osquery_schedule', 'osquery_events']) {
      expect(await rowsOf(findTable(name)!, { facts })).toEqual([]);
    }
  });
});

const LINK = {
  nodeId: 'bb',
  address: 'a:1',
  initiator: true,
  sinceMs: 1,
  bytesIn: 1,
  bytesOut: 2,
};
const PROBE = {
  nodeId: 'aa',
  name: 'demo1',
  address: 'a:1',
  verdict: 'conflict' as const,
  at: 5000,
  asked: ['bb'],
  same: [],
  others: ['bb'],
  proof: new Uint8Array(3),
};

const MEMBER = {
  nodeId: 'aa',
  name: 'demo1',
  addresses: ['a:1'],
  labels: {},
  version: '1',
  hub: false,
  state: 'alive',
  incarnation: 1,
  since: 1,
  self: true,
  linked: false,
  entry: { version: 1, signKey: new Uint8Array(32) },
} as never;

const SEAL = {
  chain: '00112233445566778899aabbccddeeff',
  number: 3,
  hash: 'ab',
  at: 7_999,
  hub: 'cc',
  keyVersion: 1,
  head: Uint8Array.of(1, 2),
};

const SOURCE = {
  members: () => [MEMBER],
  probes: () => [PROBE],
  links: () => [{ ...LINK, name: 'b' }],
  alarms: () => [{ kind: 'clone', key: 'k', message: 'm', at: 5, firstAt: 4, count: 1 } as never],
  seals: () => [SEAL],
  fileEvents: () => ({ events: [{ eid: '1' }], problems: [] }),
  allowed: { configLines: ['/etc/app/*'], curlHosts: ['a.example'] },
  tracks: () => [
    { table: 'users', every: 60, line: 'dd', sequence: 4, at: 9_999, fetched: 3 },
    { table: 'groups', every: 60, line: null, sequence: 0, at: null, fetched: null },
  ],
  agent: { pid: 42 },
};
