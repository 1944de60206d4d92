import { expect, it } from 'vitest';
import { Progress } from '../../src/cli/progress.ts';

it('says which step of how many it is, and learns how slow the machine is', () => {
  const said: string[] = [];
  let seconds = 100;
  const progress = new Progress(
    [
      { what: 'boil water', usualSeconds: 4 },
      { what: 'make tea', usualSeconds: 5 },
      { what: 'drink it', usualSeconds: 1 },
    ],
    { write: (line) => void said.push(line), now: () => seconds * 1000 },
  );
  progress.next();
  seconds += 15;
  progress.again();
  seconds += 5;
  progress.next(); // five times slower than usual
  seconds += 1;
  progress.next(); // 21 s for 9
  progress.end();
  expect(said).toEqual([
    'swarmplane: step 1 of 3: boil water (about 10 s left)\n',
    'swarmplane: step 1 of 3: still: boil water (15 s so far, usually 4 s)\n',
    'swarmplane: step 2 of 3: make tea (about 30 s left)\n',
    'swarmplane: step 3 of 3: drink it (about 3 s left)\n',
  ]);
});
