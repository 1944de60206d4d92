import { describe, expect, test } from 'vitest';
import { Freshness, MemberHandshake, type IsFresh } from '../../src/secure/index.ts';
import { FRESH_MAX, FRESH_WINDOW_MS } from '../../src/secure/freshness.ts';
import { codeOf, flip, party, secrets, seededRandom } from './fixture.ts';

const START = 1_700_000_000_000;
const random = seededRandom('macs');

/** A memory whose start is over, and a clock that runs. */
function settled(): { memory: Freshness; at: (ms: number) => { mono: number; wall: number } } {
  const at = (ms: number) => ({ mono: ms, wall: START + ms });
  return { memory: new Freshness({ mono: 0, wall: START - FRESH_WINDOW_MS - 1 }), at };
}

describe('first messages are taken once', () => {
  test('one of now is, for as long as its time is within the window', () => {
    const { memory, at } = settled();
    const mac = random(32);
    const made = START + FRESH_WINDOW_MS;
    expect(memory.take(at(0), made, mac)).toBe(true);
    for (let ms = 0; ms < 10 * FRESH_WINDOW_MS; ms += 500) {
      expect(memory.take(at(ms), made, mac)).toBe(false);
      memory.take(at(ms), START + ms, random(32));
    }
  });

  test('one of another time is not, nor what an earlier run may have taken', () => {
    const { memory, at } = settled();
    expect(memory.take(at(0), START - FRESH_WINDOW_MS - 1, random(32))).toBe(false);
    expect(memory.take(at(0), START + FRESH_WINDOW_MS + 1, random(32))).toBe(false);
    const young = new Freshness({ mono: 0, wall: START });
    expect(young.take(at(1), START + 1, random(32))).toBe(false);
    const later = 2 * FRESH_WINDOW_MS;
    expect(young.take(at(later), START + later, random(32))).toBe(true);
  });

  test('a clock that is set back brings none back', () => {
    const { memory, at } = settled();
    const mac = random(32);
    expect(memory.take(at(0), START, mac)).toBe(true);
    const hour = 3_600_000;
    expect(memory.take(at(hour), START + hour, random(32))).toBe(true);
    expect(memory.take({ mono: hour + 1, wall: START }, START, mac)).toBe(false);
  });

  test('memory is bounded: what does not fit is challenged', () => {
    const { memory, at } = settled();
    let taken = 0;
    for (let i = 0; i < 2 * FRESH_MAX; i++) taken += memory.take(at(1), START, random(32)) ? 1 : 0;
    expect([taken, memory.size]).toEqual([FRESH_MAX, FRESH_MAX]);
    const later = 5 * FRESH_WINDOW_MS;
    expect(memory.take(at(later), START + later, random(32))).toBe(true);
    expect(memory.size).toBe(1);
  });
});

describe('a challenge', () => {
  const [alice, bob] = [party('alice'), party('bob')];
  const ends = (isFresh: IsFresh = () => false) => {
    const make = (role: 'initiator' | 'responder', who: typeof alice) =>
      new MemberHandshake({ ...who, secrets, role, isFresh, random: seededRandom(role) });
    return { a: make('initiator', alice), b: make('responder', bob) };
  };

  test('lets a host in whose clock is wrong, or whom memory cannot tell', () => {
    const { a, b } = ends();
    const challenge = b.handle(a.start());
    expect(challenge).toMatchObject({ challenged: true });
    const m2 = b.handle(a.handle(challenge.send!).send!);
    expect(m2).toMatchObject({ proven: true });
    const m3 = a.handle(m2.send!);
    expect(b.handle(m3.send!).done!.peer.nodeId).toBe(alice.identity.nodeId);
    expect(m3.done!.peer.nodeId).toBe(bob.identity.nodeId);
  });

  test('is answered by nobody who only heard an M1, and asked once', async () => {
    const { a, b } = ends();
    const m1 = a.start();
    const challenge = b.handle(m1).send!;
    expect(await codeOf(() => b.handle(m1))).toBe('malformed');
    a.handle(challenge);
    expect(await codeOf(() => a.handle(challenge))).toBe('malformed');
    const again = ends();
    const changed = again.a.handle(flip(again.b.handle(again.a.start()).send!, 60)).send!;
    expect(await codeOf(() => again.b.handle(changed))).toBe('malformed');
  });

  test('an answer is no first message on another connection', () => {
    const { a, b } = ends();
    const answer = a.handle(b.handle(a.start()).send!).send!;
    const { b: other } = ends(() => true);
    expect(other.handle(answer)).toMatchObject({ challenged: true });
  });
});
