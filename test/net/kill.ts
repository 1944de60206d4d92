/** `npm run kill -- 1000`: as many rounds of kill.test.ts, with longer and longer pauses before the kill. */
import { KillRounds } from './kill-rounds.ts';

const [text = '1000'] = process.argv.slice(2);
if (!/^[1-9][0-9]{0,6}$/.test(text)) {
  console.error(`npm run kill -- ROUNDS: "${text}" is no number of rounds; give one from 1 on`);
  process.exit(64);
}
const count = Number(text);
const rounds = await KillRounds.start();
try {
  for (let done = 1; done <= count; done++) {
    await rounds.next();
    if (done % 50 === 0 || done === count) console.log(`${done} rounds, all came back`);
  }
} finally {
  await rounds.stop();
}
