/** Whether the words of an operator key were ever printed: a mark beside its file. Light, for `status`. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPERATOR_KEY_FILE } from '../agent/client.ts';

const PRINTED = '.printed';

/** @returns why there is no mark; undefined where there is one */
export function markPrinted(keyFile: string): string | undefined {
  try {
    appendFileSync(`${keyFile}${PRINTED}`, `${new Date().toISOString()}\n`, { mode: 0o600 });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What `status` says of a key that lies in the state folder; undefined where none does. */
export function operatorKeyHere(state: string): string | undefined {
  const file = join(state, OPERATOR_KEY_FILE);
  if (!existsSync(file)) return undefined;
  const lies = 'lies in the state folder of this host: keep it offline';
  if (!existsSync(`${file}${PRINTED}`)) {
    return `${lies}; no copy is known, print it with \`swarmplane operator words\``;
  }
  const dates = readFileSync(`${file}${PRINTED}`, 'utf8').trim().split('\n');
  return `${lies}; its words were printed on ${dates.at(-1)!.slice(0, 10)}`;
}
