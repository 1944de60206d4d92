import { describe, expect, test } from 'vitest';
import { Names } from '../../../src/swarm/members/names.ts';
import { hostNameFrom, isHostName, looksOf } from '../../../src/wire/index.ts';
import { World } from '../../sim/world.ts';
import type { SimHost } from '../../sim/host.ts';

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
