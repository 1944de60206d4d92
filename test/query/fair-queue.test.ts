import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { FairQueue, type QueueBounds } from '../../src/query/fair-queue.ts';

const WIDE: QueueBounds = { places: 1, kept: 0, placesEach: 1, waiting: 1_000, waitingEach: 1_000 };

/** Items in the order in which they may go, each ended before the next. */
function order(queue: FairQueue<string>): string[] {
  const items: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    items.push(next.item);
    queue.ended(next.asker);
  }
  return items;
}

/** Items that may go now. */
function goNow(queue: FairQueue<string>): string[] {
  const items: string[] = [];
  for (let next = queue.next(); next !== undefined; next = queue.next()) items.push(next.item);
  return items;
}

function addAll(queue: FairQueue<string>, ...items: readonly string[]): (string | undefined)[] {
  return items.map((item) => queue.add(item[0]!, item));
}

describe('turns', () => {
  test('go round the askers, and within one in the order of asking', () => {
    const queue = new FairQueue<string>(WIDE);
    addAll(queue, 'a1', 'a2', 'a3', 'a4', 'b1', 'c1', 'c2');
    expect(order(queue)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4']);
  });

  test('who was served stands behind all that wait, those that came later among them', () => {
    const queue = new FairQueue<string>(WIDE);
    addAll(queue, 'a1', 'a2');
    expect(queue.next()?.item).toBe('a1');
    addAll(queue, 'b1');
    queue.ended('a');
    expect(order(queue)).toEqual(['a2', 'b1']);
  });

  test('no asker waits for more than one of each other asker', () => {
    const askers = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 60 });
    fc.assert(
      fc.property(askers, (asking) => {
        const queue = new FairQueue<string>(WIDE);
        addAll(queue, ...asking.map((asker, at) => `${asker}${at}`), 'z!');
        const turn = order(queue).indexOf('z!');
        expect(turn).toBe(new Set(asking).size);
      }),
    );
  });
});

describe('places', () => {
  test('an asker holds no more than its share, and another goes past it', () => {
    const queue = new FairQueue<string>({ ...WIDE, places: 3, placesEach: 2 });
    addAll(queue, 'a1', 'a2', 'a3', 'a4');
    expect(goNow(queue)).toEqual(['a1', 'a2']);
    addAll(queue, 'b1', 'b2');
    expect(goNow(queue)).toEqual(['b1']);
    queue.ended('b');
    expect(goNow(queue)).toEqual(['b2']);
    queue.ended('a');
    expect(goNow(queue)).toEqual(['a3']);
    expect([queue.out(), queue.out('a'), queue.out('b')]).toEqual([3, 2, 1]);
  });

  test('kept ones are taken by the own askers alone, which go first', () => {
    const queue = new FairQueue<string>({ ...WIDE, places: 3, kept: 1, placesEach: 2 }, ['o']);
    addAll(queue, 'a1', 'b1', 'c1');
    expect(goNow(queue)).toEqual(['a1', 'b1']);
    addAll(queue, 'o1', 'o2');
    expect(goNow(queue)).toEqual(['o1']);
    queue.ended('a');
    expect(goNow(queue)).toEqual(['o2']);
    queue.ended('o');
    expect(goNow(queue)).toEqual(['c1']);
    queue.ended('o');
    expect(goNow(queue)).toEqual([]);
  });
});

describe('room to wait', () => {
  test('an asker that fills its own is refused, another not', () => {
    const queue = new FairQueue<string>({ ...WIDE, waitingEach: 2 });
    expect(addAll(queue, 'a1', 'a2', 'a3', 'b1')).toEqual([undefined, undefined, 'a3', undefined]);
    expect(order(queue)).toEqual(['a1', 'b1', 'a2']);
  });

  test('when all is full, the newest of who has most gives way to who has less', () => {
    const queue = new FairQueue<string>({ ...WIDE, waiting: 4 }, ['o']);
    addAll(queue, 'a1', 'a2', 'a3', 'b1');
    expect(addAll(queue, 'c1')).toEqual(['a3']);
    expect(addAll(queue, 'c2')).toEqual(['c2']);
    expect(addAll(queue, 'a4')).toEqual(['a4']);
    expect(addAll(queue, 'o1')).toEqual([undefined]);
    expect(order(queue)).toEqual(['o1', 'a1', 'b1', 'c1', 'a2']);
  });

  test('what is withdrawn waits no more and takes no room', () => {
    const queue = new FairQueue<string>({ ...WIDE, waitingEach: 1 });
    addAll(queue, 'a1');
    expect([queue.isWaiting('a', 'a1'), queue.remove('a', 'a1')]).toEqual([true, true]);
    expect([queue.isWaiting('a', 'a1'), queue.remove('a', 'a1')]).toEqual([false, false]);
    expect(addAll(queue, 'a2', 'b1')).toEqual([undefined, undefined]);
    expect([queue.waiting(), queue.clear().sort(), queue.waiting()]).toEqual([2, ['a2', 'b1'], 0]);
  });
});
