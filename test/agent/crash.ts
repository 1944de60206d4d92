/** `npm run crash -- 20000`: as many rounds of crash.test.ts, with a seed of its own or the one named. */
import { CrashRounds } from './crash-rounds.ts';

const [text = '20000', seed = `${Date.now()}`] = process.argv.slice(2);
if (!/^[1-9][0-9]{0,6}$/.test(text)) {
  console.error(
    `npm run crash -- ROUNDS [SEED]: "${text}" is no number of rounds; give one from 1 on`,
  );
  process.exit(64);
}
const count = Number(text);
console.log(`seed ${seed}`);
const rounds = new CrashRounds(seed);
for (let done = 1; done <= count; done++) {
  await rounds.next();
  if (done % 1_000 !== 0 && done !== count) continue;
  const { once, again } = rounds.lost;
  console.log(
    `${done} rounds, power lost in ${once}, ${again} times more at a start: all came back`,
  );
}
