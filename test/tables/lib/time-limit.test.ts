/** Time limits that nobody holds. */
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { expect, test } from 'vitest';

import { timeLimit } from '../../../src/tables/lib/time-limit.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('a time ends although garbage was collected', async () => {
  const query = new AbortController();
  const ended = new Promise((done) => {
    const signal = timeLimit(query.signal, 200);
    signal.addEventListener('abort', () => done(signal.reason));
  });
  await new Promise(setImmediate);
  collectGarbage();
  // The limit itself keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  expect(await ended).toMatchObject({ name: 'TimeoutError', message: 'not within 200 ms' });
  clearInterval(alive);
});

test('it ends with the query, also with one that has ended', async () => {
  const query = new AbortController();
  const signal = timeLimit(query.signal, 60_000);
  const ended = once(signal, 'abort');
  query.abort(new Error('enough'));
  await ended;
  expect(signal.reason).toMatchObject({ message: 'enough' });
  expect(timeLimit(query.signal, 60_000).reason).toMatchObject({ message: 'enough' });
});
