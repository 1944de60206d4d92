/**
 * The history of a host held to a model that knows the truth, over crashes at any write, lost
 * answers, full disks, clocks that jump: nothing that counted is lost, doubled or out of order.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Taking } from '../../../src/agent/index.ts';
import { QueryError } from '../../../src/query/index.ts';
import { rowHash } from '../../../src/tables/canonical.ts';
import { EVERY, settled, World } from './world.ts';
import { PowerLost, SimDisk } from '../sim-disk.ts';

const TABLES = ['users', 'mounts'];
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

type Step =
  | { readonly do: 'change'; readonly table: string; readonly rows: readonly string[] }
  | { readonly do: 'break'; readonly table: string }
  | { readonly do: 'pass'; readonly seconds: number }
  /** `commit` of the takings in the answer reach the hub's database, the rest is lost. */
  | { readonly do: 'fetch'; readonly bytes: number; readonly commit: number }
  | { readonly do: 'crash'; readonly writes: number }
  | { readonly do: 'full'; readonly full: boolean }
  | { readonly do: 'clock'; readonly ms: number }
  | { readonly do: 'restart' };

const table = fc.constantFrom(...TABLES);
const rows = fc.subarray(NAMES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('change' as const), table, rows }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('break' as const), table }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.nat(EVERY * 3) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('fetch' as const),
      bytes: fc.constantFrom(1, 600, 1e6),
      commit: fc.constantFrom(0, 1, 1000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const), writes: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('full' as const), full: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('clock' as const),
      ms: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const runs = fc.record({
  steps: fc.array(step, { minLength: 5, maxLength: 30 }),
  chances: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 8, maxLength: 8 }),
});

async function play(world: World, steps: readonly Step[]): Promise<void> {
  await world.open();
  await world.track(...TABLES);
  for (const step of steps) {
    try {
      await act(world, step);
    } catch (error) {
      if (!(error instanceof PowerLost) && !/ENOSPC/.test((error as Error).message)) throw error;
    }
    if (step.do === 'crash') await reopen(world);
  }
  world.disk.full = false;
  await reopen(world);
  await world.pass(EVERY * 3);
  await world.fetchAll();
}

async function act(world: World, step: Step): Promise<void> {
  switch (step.do) {
    case 'change':
      return void world.tables.set(step.table, step.rows);
    case 'break':
      return void world.tables.set(step.table, new QueryError('time_limit', 'it hung'));
    case 'pass':
      return world.pass(step.seconds);
    case 'fetch': {
      const { takings } = await world.fetch(step.bytes);
      for (const taking of takings.slice(0, step.commit)) world.keeper.commit(taking);
      return;
    }
    case 'crash':
      world.disk.writesLeft = step.writes;
      await world.pass(EVERY * 2);
      return void (await world.fetch());
    case 'full':
      return void (world.disk.full = step.full);
    case 'clock':
      return void (world.wall += step.ms);
    case 'restart':
      return reopen(world);
  }
}

async function reopen(world: World): Promise<void> {
  const { full } = world.disk;
  await world.history.stop();
  await settled();
  world.disk = world.disk.restarted();
  world.disk.full = full;
  await world.open();
}

function simulated(chances: readonly number[]): World {
  let at = 0;
  return new World(new SimDisk(() => chances[at++ % chances.length]!));
}

/** Every state that was handed over is what the table held at that time. */
function expectTruth(world: World): void {
  const states = new Map<string, Set<string>>();
  for (const taking of world.keeper.taken) {
    if (taking.kind === 'gap') continue;
    const state = taking.kind === 'full' ? new Set<string>() : states.get(taking.table)!;
    const names = new Map(
      taking.added.map(({ values }) => [hex(rowHash(taking.layout!, values)), String(values[0])]),
    );
    for (const { row } of taking.removed) state.delete(hex(row));
    for (const [row, name] of names) {
      known.set(row, name);
      state.add(row);
    }
    states.set(taking.table, state);
    expect([...state].map((row) => known.get(row)).sort()).toEqual(world.truth.get(taking.at));
  }
}

const known = new Map<string, string>();
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const kindsOf = (takings: readonly Taking[]): string[] => takings.map(({ kind }) => kind);

describe('a host that loses power, answers, room and time', () => {
  it('hands over every taking once, in order, each the state of its time', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ steps, chances }) => {
        const world = simulated(chances);
        await play(world, steps);
        // The keeper refuses what is doubled, out of order, or does not follow from its state.
        expectTruth(world);
        const { taken } = world.keeper;
        expect(taken.filter(({ dropped }) => dropped !== undefined)).toEqual([]);
        const times = new Map(taken.map((it) => [`${it.table} ${it.sequence}`, it.at]));
        for (const [taking, at] of world.counted)
          expect([taking, times.get(taking)]).toEqual([taking, at]);
      }),
      { numRuns: 40 },
    );
  });

  it('keeps within small bounds, and says which takings it dropped', async () => {
    await fc.assert(
      fc.asyncProperty(runs, async ({ steps, chances }) => {
        const world = simulated(chances);
        world.bytes = 12_000;
        await play(world, steps);
        expectTruth(world);
        const bytes = [...world.disk.files].reduce(
          (sum, [name, { length }]) => sum + (name.endsWith('.seg') ? length : 0),
          0,
        );
        expect(bytes).toBeLessThanOrEqual(world.bytes);
      }),
      { numRuns: 25 },
    );
  });
});

describe('gaps', () => {
  it('stand for takings that the bound dropped, and the state after them is whole', async () => {
    const world = simulated([0.5]);
    world.bytes = 12_000;
    await world.open();
    await world.track('users');
    for (let day = 0; day < 100; day++) {
      world.tables.set('users', [`user ${day}`, 'root']);
      await world.pass(EVERY);
    }
    await world.fetchAll();
    const [gap, full, ...rest] = world.keeper.taken;
    expect(gap).toMatchObject({ kind: 'gap', reason: { code: 'dropped' }, dropped: { from: 1 } });
    expect(full).toMatchObject({ kind: 'full', sequence: gap!.dropped!.to + 1 });
    expect(new Set(kindsOf(rest))).toEqual(new Set(['delta']));
    expect(rest.length).toBeGreaterThan(5);
    expectTruth(world);
  });

  it('by age are made of what is older, not of what is newer', async () => {
    const world = simulated([0.5]);
    world.ageMs = EVERY * 1000 * 40;
    await world.open();
    await world.track('users');
    await world.pass(EVERY * 100);
    await world.fetchAll();
    const [gap, ...rest] = world.keeper.taken;
    expect(gap!.dropped!.from).toBe(1);
    expect(rest.length).toBeGreaterThanOrEqual(37);
    expect(rest.length).toBeLessThanOrEqual(46);
  });

  it('take the place of a table that fails, is cut, or is too large, and the next state follows', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users');
    world.tables.set('users', ['root']);
    await world.pass(EVERY * 3);
    world.tables.set('users', new QueryError('time_limit', `it hung ${'x'.repeat(2000)}\0`));
    await world.pass(EVERY);
    world.tables.set('users', ['root', 'x'.repeat(4 * 2 ** 20)]);
    await world.pass(EVERY);
    world.tables.set('users', ['root', 'daemon']);
    await world.pass(EVERY);
    await world.fetchAll();
    const last = world.keeper.taken.slice(-4);
    expect(last.map(({ kind, reason }) => reason?.code ?? kind)).toEqual([
      ...['same', 'time_limit', 'too_large', 'delta'],
    ]);
    expect(last[3]!.added).toHaveLength(1);
  });

  it('say that the disk was full, once it takes writing again', async () => {
    const world = simulated([0.9]);
    await world.open();
    await world.track('users');
    world.tables.set('users', ['root']);
    await world.pass(EVERY * 2);
    world.disk.full = true;
    world.tables.set('users', ['root', 'daemon']);
    await world.pass(EVERY * 2);
    const before = world.history.status.tables[0]!.sequence;
    world.disk.full = false;
    await world.pass(EVERY);
    await world.fetchAll();
    const after = world.keeper.taken.filter(({ sequence }) => sequence > before);
    expect(after.map(({ kind, reason }) => reason?.code ?? kind)).toEqual(['not_kept', 'delta']);
    expect(after[0]!.reason!.message).toContain('ENOSPC');
    expectTruth(world);
  });
});

describe('a host that was set back', () => {
  it('begins a new line when its numbers were fetched already', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users');
    await world.pass(EVERY * 2);
    const backup = world.disk.restarted();
    await world.pass(EVERY * 10);
    await world.fetchAll();
    await world.history.stop();
    world.disk = backup;
    await world.open();
    await world.fetchAll();
    await world.pass(EVERY);
    await world.fetchAll();
    const [gap, full] = world.keeper.taken.slice(-3);
    expect(gap).toMatchObject({ kind: 'gap', sequence: 1, reason: { code: 'restored' } });
    expect(full).toMatchObject({ kind: 'full', sequence: 2, line: gap!.line });
    expect(new Set(world.keeper.taken.map(({ line }) => hex(line))).size).toBe(2);
  });

  it('begins a new line when its folder was emptied, or its journal rotted', async () => {
    for (const rot of [false, true]) {
      const world = simulated([0.5]);
      await world.open();
      await world.track('users');
      await world.pass(EVERY * 3);
      await world.fetchAll();
      await world.history.stop();
      const files = new Map(rot ? world.disk.files : []);
      for (const [name, bytes] of files) if (name.endsWith('.seg')) bytes.fill(0, 30, 60);
      world.disk = new SimDisk(() => 0.5, files);
      await world.open();
      await world.track('users');
      await world.pass(EVERY);
      await world.fetchAll();
      const [first, last] = [world.keeper.taken[0]!, world.keeper.taken.at(-1)!];
      expect(hex(last.line)).not.toBe(hex(first.line));
      expect(world.keeper.taken.filter(({ sequence }) => sequence === 1)).toHaveLength(2);
    }
  });
});

describe('a hub that was set back', () => {
  it('gets what is still kept, or the present state after a gap', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users');
    world.tables.set('users', ['root']);
    await world.pass(EVERY * 5);
    const first = (await world.fetch()).takings[0]!;
    world.keeper.commit(first);
    // What came after was committed and lost again with the hub's database.
    const { keeper } = world;
    world.keeper = new (keeper.constructor as new () => typeof keeper)();
    for (const taking of (await world.fetch()).takings) world.keeper.commit(taking);
    await world.fetchAll();
    world.keeper = keeper;
    await world.fetchAll();
    expect(keeper.taken.at(-1)!.sequence).toBe(world.history.status.tables[0]!.sequence);
    expectTruth(world);
  });

  it('is given a full when its state is another than the host goes on from', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users');
    world.tables.set('users', ['root']);
    await world.pass(EVERY * 3);
    await world.fetchAll();
    const [ack] = world.keeper.acks;
    world.keeper.acknowledge({ ...ack!, hash: new Uint8Array(32) });
    await world.fetchAll();
    await world.pass(1);
    await world.fetchAll();
    expect(world.keeper.taken.at(-1)!.kind).toBe('full');
    expectTruth(world);
  });
});

describe('wish lists', () => {
  it('are kept over a restart, and what is not on them any more is forgotten', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users', 'mounts');
    await world.pass(EVERY * 2);
    await reopen(world);
    expect(world.history.status.tables.map((it) => it.table)).toEqual(['users', 'mounts']);
    await world.track('mounts');
    expect([...world.disk.files.keys()]).not.toContain('users.state');
    await world.pass(EVERY * 2);
    await world.fetchAll();
    expect(world.keeper.ofTable('users')).toEqual([]);
    expect(world.keeper.ofTable('mounts').length).toBeGreaterThan(2);
  });

  it('are taken on time though the clock goes back, and one table that hangs', async () => {
    const world = simulated([0.5]);
    await world.open();
    await world.track('users');
    await world.pass(EVERY * 2);
    world.wall -= 10 * 86_400_000;
    await world.pass(EVERY * 3);
    await reopen(world);
    await world.pass(EVERY * 3);
    await world.fetchAll();
    expect(world.keeper.taken.length).toBeGreaterThanOrEqual(6);
    expectTruth(world);
    world.tables.set('users', 'hangs');
    await world.pass(EVERY * 2);
    await world.history.stop();
  });
});
