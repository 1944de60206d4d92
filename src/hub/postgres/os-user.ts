/**
 * PostgreSQL refuses to run as root. Started by root it runs as an account of its own, which is made
 * where it is missing: whoever shares an account with the server can read the fleet's database.
 * Started by anyone else it runs as that one.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HubError } from '../errors.ts';

export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export const SERVER_ACCOUNT = 'swarmplane-db';

/**
 * The user to run the server as; undefined where it is the one we are.
 * @throws HubError no_account
 */
export function serverAccount(dataFolder?: string): OsUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const owner = dataFolder === undefined ? undefined : ownerOf(dataFolder);
  // Data that is there already decides, but for that of `nobody`, who is everybody.
  const known = readAccounts().find(
    ({ uid, name }) => uid === owner && uid !== 0 && name !== 'nobody',
  );
  return known ?? findAccount(SERVER_ACCOUNT) ?? makeAccount(SERVER_ACCOUNT);
}

/** Data that an earlier release left to `nobody` becomes the account's. No link is followed. */
export function adopt(dataFolder: string, account: OsUser): void {
  const nobody = findAccount('nobody');
  if (nobody === undefined || ownerOf(dataFolder) !== nobody.uid) return;
  const args = ['-hRP', `--from=${nobody.uid}`, `${account.uid}:${account.gid}`, '--', dataFolder];
  const { status, stderr } = spawnSync('chown', args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new HubError('no_account', `cannot give ${dataFolder} to ${account.name}: ${stderr}`, {
    hint: `stop what still runs as nobody there, then: chown -hR ${account.name}: ${dataFolder}`,
  });
}

/** Another hub may make it at the same time: what counts is that it is there afterwards. */
function makeAccount(name: string): OsUser {
  const home = ['--no-create-home', '--home-dir', '/nonexistent'];
  const tries = [
    ['useradd', '--system', '--user-group', ...home, '--shell', '/usr/sbin/nologin', name],
    ['adduser', '-S', '-D', '-H', '-h', '/nonexistent', '-s', '/sbin/nologin', name],
  ];
  const said: string[] = [];
  for (const [program, ...args] of tries) {
    const { error, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
    const account = findAccount(name);
    if (account !== undefined) return account;
    said.push(error?.message ?? stderr.trim());
  }
  throw new HubError(
    'no_account',
    `root cannot run PostgreSQL, and the account ${name} cannot be made: ${said.join('; ')}`,
    { hint: `useradd --system ${name}, or give another server with --database URL` },
  );
}

/** Whether that user can reach what lies in the folder: every folder above lets it pass. */
export function canEnter(folder: string, account: OsUser | undefined): boolean {
  if (account === undefined) return true;
  for (let path = resolve(folder); ; path = dirname(path)) {
    if (!mayPass(path, account)) return false;
    if (path === dirname(path)) return true;
  }
}

/** Folders that do not exist yet do not count: who makes them decides. */
function mayPass(path: string, account: OsUser): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return true;
  if (stat.uid === account.uid) return (stat.mode & 0o100) !== 0;
  if (stat.gid === account.gid) return (stat.mode & 0o010) !== 0;
  return (stat.mode & 0o001) !== 0;
}

function ownerOf(folder: string): number | undefined {
  return statSync(folder, { throwIfNoEntry: false })?.uid;
}

function findAccount(name: string): OsUser | undefined {
  return readAccounts().find((account) => account.name === name);
}

/** passwd(5) */
function readAccounts(): OsUser[] {
  return readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 7)
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid), gid: Number(gid) }));
}
