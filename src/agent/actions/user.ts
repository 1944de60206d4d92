/** Whom an action runs as. */
import { readFileSync } from 'node:fs';
import { ActionRefusal } from './types.ts';

export interface RunAs {
  readonly name: string;
  readonly home: string;
  /** Undefined where it is the user that the agent runs as already. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

/**
 * Looked up at each run: users come and go while the agent runs.
 * @throws ActionRefusal `user`
 */
export function runAs(name: string | undefined): RunAs {
  const own = process.getuid?.() ?? -1;
  const accounts = readAccounts();
  const wanted = accounts.find((each) =>
    name === undefined ? each.uid === own : each.name === name,
  );
  if (wanted === undefined) {
    if (name === undefined) return { name: String(own), home: '/' };
    throw new ActionRefusal('user', `there is no user ${JSON.stringify(name)} in /etc/passwd here`);
  }
  const { uid, gid, home } = wanted;
  if (uid === own) return { name: wanted.name, home };
  if (own !== 0) {
    throw new ActionRefusal(
      'user',
      `it runs as ${JSON.stringify(name)}, which only an agent that runs as root can do`,
    );
  }
  return { name: wanted.name, home, ids: { uid, gid } };
}

/** passwd(5) */
function readAccounts(): { name: string; uid: number; gid: number; home: string }[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 7 && /^\d+$/.test(fields[2]!) && /^\d+$/.test(fields[3]!))
    .map((fields) => ({
      name: fields[0]!,
      uid: Number(fields[2]),
      gid: Number(fields[3]),
      home: fields[5] || '/',
    }));
}
