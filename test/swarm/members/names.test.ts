import { describe, expect, test } from 'vitest';
import { Names } from '../../../src/swarm/members/names.ts';
import type { TokenRecord } from '../../../src/secure/types.ts';
import type { MemberView } from '../../../src/swarm/index.ts';
import {
  fromHex,
  hostNameFrom,
  isHostName,
  joinAdmission,
  looksAlike,
  looksOf,
} from '../../../src/wire/index.ts';
import { simulatedAdmission, simulatedEpoch, simulatedToken } from '../../sim/crypto.ts';
import { SWARM_ID, type SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';

const [A, B, C, SELF] = ['a', 'b', 'c', 'f'].map((one) => one.repeat(64)) as [
  ...[string, string, string, string],
];

describe('who goes by a name', () => {
  test('the first claimer holds it, others are called by their id beside it', () => {
    const names = new Names(SELF);
    names.claim(A, 'web1');
    names.claim(B, 'web1');
    expect([names.shown(A, 'web1'), names.shown(B, 'web1')]).toEqual(['web1', 'web1~bbbbbbbb']);
    expect(names.claim(B, 'web1')).toEqual([]);
  });

  test('let go by going or renaming it is the next claimer’s, who is told of', () => {
    const names = new Names(SELF);
    for (const node of [A, B, C]) names.claim(node, 'web1');
    expect(names.claim(C, undefined)).toEqual([]);
    expect(names.claim(A, 'old')).toEqual([B]);
    expect(names.holder('web1')).toBe(B);
    // Whoever takes its old name up again comes last.
    names.claim(A, 'web1');
    expect(names.shown(A, 'web1')).toBe('web1~aaaaaaaa');
    expect(names.claim(B, undefined)).toEqual([A]);
  });

  test('at the host itself it is its own', () => {
    const names = new Names(SELF);
    names.claim(A, 'web1');
    expect(names.claim(SELF, 'web1')).toEqual([A]);
    expect(names.holder('web1')).toBe(SELF);
    expect(names.prefer(A)).toBeUndefined();
  });

  test('a claimer that the operator admitted for it takes it over', () => {
    const names = new Names(SELF);
    names.claim(A, 'web1');
    names.claim(B, 'web1');
    expect(names.prefer(B)).toBe(A);
    expect(names.shown(A, 'web1')).toBe('web1~aaaaaaaa');
  });
});

describe('names that people take for each other', () => {
  test('are known while somebody claims them', () => {
    const names = new Names(SELF);
    names.claim(A, 'web1');
    names.claim(B, 'webl');
    expect(names.alike('web1')).toEqual(['webl']);
    names.claim(C, 'webl');
    names.claim(B, undefined);
    expect(names.alike('web1')).toEqual(['webl']);
    names.claim(C, 'db2');
    expect(names.alike('web1')).toEqual([]);
  });

  test('are not those of two places', () => {
    expect(looksAlike('rack1-12')).not.toBe(looksAlike('rack11-2'));
    expect(looksAlike('web_1')).toBe(looksAlike('web-l'));
  });
});

describe('what a host may be called', () => {
  test.each(['web1', 'db-1.example.org', 'deadbee', 'h-0123456789ab'])('%s', (name) => {
    expect(isHostName(name)).toBe(true);
  });

  test.each([
    '',
    'Web1',
    'deadbeef',
    'a'.repeat(64),
    't-0123456789abcdef',
    'web1~aaaaaaaa',
    'a b',
    '-a',
  ])('not %j', (name) => {
    expect(isHostName(name)).toBe(false);
  });

  test('a container whose hostname is hex digits gets one that is none', () => {
    expect(hostNameFrom('3F2A9C0B11DE')).toBe('h-3f2a9c0b11de');
    expect(hostNameFrom('Web1')).toBe('web1');
  });

  test('names that people take for each other look the same', () => {
    expect(looksOf('web1')).toBe(looksOf('we-bl'));
    expect(looksOf('modern')).toBe(looksOf('m0dem'));
    expect(looksOf('web1')).not.toBe(looksOf('web2'));
  });
});

describe('in a swarm', () => {
  const nameAt = (host: SimHost, of: SimHost): string | undefined =>
    host.core!.members().find(({ nodeId }) => nodeId === of.nodeId)?.name;
  const rename = (host: SimHost, name: string): void =>
    host.do(() => host.core!.describe(host.now, { name }));

  test('a second claimer is shown with its id, over restarts, until the first is out', () => {
    const world = new World({ seed: 601, nodes: 3 }).settle();
    const [viewer, first, second] = world.hosts as [SimHost, SimHost, SimHost];
    rename(second, 'h1');
    world.run(5_000);
    const beside = `h1~${second.nodeId.slice(0, 8)}`;
    expect([nameAt(viewer, first), nameAt(viewer, second)]).toEqual(['h1', beside]);
    const asked = viewer.ask({ targets: { kind: 'all' } });
    expect(Object.keys(world.finish(asked)).sort()).toEqual(['h0', 'h1', beside].sort());
    viewer.crash();
    viewer.start();
    world.run(5_000);
    expect([nameAt(viewer, first), nameAt(viewer, second)]).toEqual(['h1', beside]);
    // Being away lets go of nothing.
    first.crash();
    world.run(60_000);
    expect(nameAt(viewer, second)).toBe(beside);
    viewer.do(() => viewer.core!.forget(viewer.now, first.nodeId));
    world.run(2_000);
    expect(nameAt(viewer, second)).toBe('h1');
    expect(viewer.memberEvents.at(-1)!.member.name).toBe('h1');
  });

  /** A token that the operator makes for a name, in the epoch of this host. */
  const tokenFor = (at: SimHost, host: string): TokenRecord => {
    const token = simulatedToken(at.head.id, new Uint8Array(32).fill(50), { host });
    at.do(() => at.core!.install(at.now, { records: [token.bytes], parts: [] }));
    return token;
  };
  const viewAt = (host: SimHost, of: SimHost): MemberView =>
    host.core!.members().find(({ nodeId }) => nodeId === of.nodeId)!;

  test('a token made for a name gives it in place of a dead holder, and that is told', () => {
    const world = new World({ seed: 603, nodes: 3 }).settle();
    const [viewer, first, second] = world.hosts as [SimHost, SimHost, SimHost];
    const token = tokenFor(viewer, 'h1');
    world.run(5_000);
    first.crash();
    world.run(60_000);
    const admission = simulatedAdmission(SWARM_ID, token, second.nodeId);
    second.do(() => second.core!.describe(second.now, { name: 'h1', admission }));
    world.run(20_000);
    expect(viewAt(viewer, second)).toMatchObject({ name: 'h1', named: true });
    expect(viewAt(viewer, first)).toMatchObject({ named: false, state: 'dead' });
  });

  test('whom the roll names takes no name by a token that never let it in', () => {
    const world = new World({ seed: 604, nodes: 4 }).settle();
    const [viewer, first, liar] = world.hosts as [SimHost, SimHost, SimHost];
    const ids = world.hosts.map(({ nodeId }) => nodeId);
    const { head, parts } = simulatedEpoch(SWARM_ID, 2, ids, { parent: viewer.head.id });
    viewer.do(() => viewer.core!.install(viewer.now, { records: [head.bytes], parts }));
    world.until(() => world.hosts.every((host) => host.head.id === head.id), 60_000);
    const token = tokenFor(viewer, 'h1');
    world.run(5_000);
    first.crash();
    world.run(60_000);
    const admission = joinAdmission(fromHex(token.tag), new Uint8Array(64));
    liar.do(() => liar.core!.describe(liar.now, { name: 'h1', admission }));
    world.run(20_000);
    expect(viewAt(viewer, liar)).toMatchObject({
      name: `h1~${liar.nodeId.slice(0, 8)}`,
      named: false,
    });
    expect(viewAt(viewer, first).name).toBe('h1');
  });

  test('a name that looks like another member’s is told of, until it is none', () => {
    const world = new World({ seed: 605, nodes: 3 }).settle();
    const [viewer, , liar] = world.hosts as [SimHost, SimHost, SimHost];
    rename(liar, 'hl');
    world.run(5_000);
    const [alarm] = viewer.alarms.filter(({ kind }) => kind === 'name_like');
    expect(alarm!.message).toContain(`"hl" of ${liar.nodeId.slice(0, 12)} looks like "h1"`);
    rename(liar, 'h2');
    world.run(20_000);
    expect(viewer.openAlarms().map(({ kind }) => kind)).not.toContain('name_like');
  });

  test('what looks like an id is taken up as a name by nobody, and told of with the id', () => {
    const world = new World({ seed: 602, nodes: 3 }).settle();
    const [viewer, , liar] = world.hosts as [SimHost, SimHost, SimHost];
    rename(liar, viewer.nodeId.slice(0, 12));
    world.run(5_000);
    expect(nameAt(viewer, liar)).toBe('h2');
    const [alarm] = viewer.alarms.filter(({ kind }) => kind === 'name_refused');
    expect(alarm!.message).toContain(liar.nodeId);
    rename(liar, 'h2');
    world.run(20_000);
    expect(viewer.openAlarms().map(({ kind }) => kind)).not.toContain('name_refused');
  });
});
