/**
 * PostgreSQL refuses to run as root. Started by root it runs as `postgres` where that user exists,
 * else as `nobody`; no user is ever made. Started by anyone else it runs as that one.
 * `nobody` may be shared with other services: a machine where that matters has a `postgres` user,
 * which installing any PostgreSQL client package or `useradd --system postgres` brings.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HubError } from './errors.ts';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user to run the server as; undefined where it is the one we are. */
export function serverAccount(dataFolder?: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readAccounts();
  const owner = dataFolder === undefined ? undefined : ownerOf(dataFolder);
  const account =
    // Data that is there already decides, or a later `apt install postgresql` would lock us out.
    accounts.find((each) => each.uid === owner && owner !== 0) ??
    accounts.find((each) => each.name === 'postgres') ??
    accounts.find((each) => each.name === 'nobody');
  if (account !== undefined) return account;
  throw new HubError(
    'no_account',
    'root cannot run PostgreSQL, and there is no user postgres or nobody',
    {
      hint: 'useradd --system postgres, or give another server with --database URL',
    },
  );
}

/** Whether that user can reach what lies in the folder: every folder above lets it pass. */
export function canEnter(folder: string, account: Account | undefined): boolean {
  if (account === undefined) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (!mayPass(path, account)) return false;
    if (path === dirname(path)) return true;
  }
}

/** Folders that do not exist yet do not count: who makes them decides. */
function mayPass(path: string, account: Account): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  if (stat.uid === account.uid) return (stat.mode & 0o100) !== 0;
  if (stat.gid === account.gid) return (stat.mode & 0o010) !== 0;
  return (stat.mode & 0o001) !== 0;
}

function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

/** passwd(5) */
function readAccounts(): Account[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 7)
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }));
}
