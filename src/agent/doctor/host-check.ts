/**
 * The host's part of `swarmplane doctor`: agent, state folder, disk, clock, certificates, epoch,
 * alarms. Reads only, asks the agent over its control socket, and says what to do next.
 */
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { checkClocks } from './clock-check.ts';
import { CONTROL_SOCKET, controlOnce } from '../control/control-protocol.ts';
import { broken, fine, skipped, warning, type Finding } from './finding.ts';
import type { ResultOf } from '../control/operations.ts';
import { StateFolder } from '../state/state-folder.ts';
import { VERSION } from '../version.ts';

type Health = ResultOf<'health'>;

/** Never rejects: what cannot be looked at is a finding, too. */
export async function checkHost(stateFolder: string): Promise<Finding[]> {
  const state = StateFolder.existing(stateFolder);
  const folder = statOf(state);
  if ('check' in folder) return [folder];
  const socket = state.file(CONTROL_SOCKET);
  const health = await askHealth(socket);
  const found = [
    'pid' in health ? runs(health) : health,
    ...checkFolder(state, folder, 'pid' in health ? health.uid : undefined),
    ...(await checkDisk(state.path)),
  ];
  if ('pid' in health) {
    found.push(...checkCertificates(health), checkEpoch(health));
    found.push(...checkAlarms(health), ...checkMembers(health));
  }
  return [...found, ...(await checkClocks('pid' in health ? health : undefined, socket))];
}

function statOf(state: StateFolder): Stats | Finding {
  const shown = JSON.stringify(state.path);
  try {
    return statSync(state.path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') {
      return broken('state', `cannot look at ${shown}: ${message}`, 'run as its owner or as root');
    }
    return broken(
      'state',
      `there is no state folder ${shown}`,
      'run `swarmplane init` or `swarmplane up --join HOST:PORT`, or name the folder with --state DIR',
    );
  }
}

/** A stopped process still takes connections: it gets a time limit. */
async function askHealth(socket: string): Promise<Health | Finding> {
  const late = AbortSignal.timeout(ANSWER_MS);
  try {
    return await controlOnce(socket, { op: 'health' }, late);
  } catch (error) {
    if (late.aborted) {
      return broken(
        'agent',
        `the agent does not answer within ${ANSWER_MS / 1000} s`,
        'it is stopped (SIGSTOP) or overloaded: look at its log, then restart it',
      );
    }
    const { message, hint } = error as { message: string; hint?: string };
    return broken('agent', message, hint ?? 'restart it with `swarmplane up`');
  }
}

const ANSWER_MS = 5_000;

function runs({ pid, version, links }: Health): Finding {
  if (version !== VERSION) {
    return warning(
      'agent',
      `the agent is version ${version}, this program ${VERSION}`,
      'restart the agent',
    );
  }
  return fine('agent', `running, process ${pid}, version ${version}, ${counted(links, 'link')} up`);
}

/** Only its owner may read what lies there: keys and secrets. */
function checkFolder(state: StateFolder, folder: Stats, agentUid: number | undefined): Finding[] {
  const found: Finding[] = [];
  if ((folder.mode & 0o077) !== 0) {
    const mode = (folder.mode & 0o777).toString(8);
    found.push(
      broken(
        'state',
        `${state.path} has mode ${mode}, others may read it`,
        `chmod 700 ${state.path}`,
      ),
    );
  }
  if (agentUid !== undefined && agentUid >= 0 && agentUid !== folder.uid) {
    found.push(
      broken(
        'state',
        `${state.path} belongs to user ${folder.uid}, the agent runs as ${agentUid}`,
        `run the agent as the owner, or: chown -R ${agentUid} ${state.path}`,
      ),
    );
  }
  try {
    found.push(...checkFiles(state, folder));
  } catch (error) {
    found.push(
      skipped(
        'state',
        `cannot read it: ${(error as Error).message}`,
        'run as its owner or as root',
      ),
    );
  }
  if (found.length > 0) return found;
  return [fine('state', `${state.path} is closed to others, as is every file in it`)];
}

function checkFiles(state: StateFolder, folder: Stats): Finding[] {
  const open: string[] = [];
  const foreign: string[] = [];
  for (const entry of readdirSync(state.path, { withFileTypes: true })) {
    // The folder of the embedded server has rules of its own.
    if (entry.isDirectory()) continue;
    const stat = lstatSync(state.file(entry.name), { throwIfNoEntry: false });
    if (stat === undefined) continue;
    if ((stat.mode & 0o077) !== 0) open.push(entry.name);
    if (stat.uid !== folder.uid) foreign.push(entry.name);
  }
  const found: Finding[] = [];
  if (open.length > 0) {
    found.push(broken('state', `others may read ${some(open)}`, `chmod go= ${state.path}/*`));
  }
  if (foreign.length > 0) {
    const message = `${some(foreign)} belong to another user than the folder (${folder.uid})`;
    found.push(broken('state', message, `chown ${folder.uid}:${folder.gid} ${state.path}/*`));
  }
  return found;
}

async function checkDisk(path: string): Promise<Finding[]> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(path);
    return [spaceFinding(bavail * bsize), ...(files > 0 ? [inodeFinding(ffree)] : [])];
  } catch (error) {
    return [skipped('disk', `cannot tell: ${(error as Error).message}`)];
  }
}

function spaceFinding(bytes: number): Finding {
  const free = `${mebibytes(bytes)} MiB free for the state folder`;
  const hint = 'free some space: without any, alarms, keys and answers cannot be kept';
  if (bytes < SPACE_BROKEN) return broken('disk', free, hint);
  return bytes < SPACE_LOW ? warning('disk', free, hint) : fine('disk', free);
}

function inodeFinding(count: number): Finding {
  const free = `${count} inodes free for the state folder`;
  const hint = 'remove small files from that file system';
  if (count < 100) return broken('inodes', free, hint);
  return count < 10_000 ? warning('inodes', free, hint) : fine('inodes', free);
}

const SPACE_BROKEN = 64 * 1024 ** 2;
const SPACE_LOW = 1024 ** 3;

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 ** 2);
}

function checkCertificates({ certificates }: Health): Finding[] {
  const now = Date.now() / 1000;
  const found = certificates.flatMap(({ serial, roles, notAfter, problem }): Finding[] => {
    const days = Math.floor((notAfter - now) / 86_400);
    const what = `certificate ${serial.slice(0, 8)} (${roles.join(', ')})`;
    const hint = 'grant a new one with `swarmplane operator grant`';
    if (problem !== null) return [warning('certificates', `${what}: ${problem}`, hint)];
    if (days < DAYS_LOW) return [warning('certificates', `${what} ends in ${days} days`, hint)];
    return [];
  });
  if (found.length > 0) return found;
  return [fine('certificates', `${certificates.length} held, none near its end`)];
}

const DAYS_LOW = 14;

function checkEpoch({ epoch, newestEpoch, isBehind, isVoid }: Health): Finding {
  if (isVoid && !isBehind) {
    return broken(
      'epoch',
      `epoch ${epoch} was made by a key of the operator that was revoked since: nobody can join`,
      'run `swarmplane secret rotate` with a key that counts (`swarmplane operator key list`)',
    );
  }
  if (isBehind) {
    return broken(
      'epoch',
      `the swarm is at epoch ${newestEpoch}, this host still at ${newestEpoch === epoch ? 'another one of that number' : epoch}`,
      'see the alarm epoch_closed or persist_failed in swarm_alarms; a host that was left out comes back with `swarmplane up --join HOST:PORT` and a new join token',
    );
  }
  return fine('epoch', `epoch ${epoch}`);
}

/** Nothing resolves an alarm: one that was not raised for a day is news no more. */
function checkAlarms({ alarms }: Health): Finding[] {
  const fresh = alarms.filter(({ lastAt }) => lastAt > Date.now() - 86_400_000);
  if (fresh.length === 0) {
    return [fine('alarms', `none in the last day, ${alarms.length} older in swarm_alarms`)];
  }
  return fresh
    .slice(-ALARMS_SHOWN_MAX)
    .map(({ kind, message, lastAt }) =>
      warning('alarms', `${kind}: ${message} (${ago(lastAt)})`, 'see `swarmplane alerts`'),
    );
}

const ALARMS_SHOWN_MAX = 8;

function checkMembers({ members }: Health): Finding[] {
  const away = members.filter(({ state }) => state === 'suspect' || state === 'dead');
  if (away.length === 0) return [fine('members', `${counted(members.length, 'host')}, none away`)];
  return [
    warning(
      'members',
      `${away.length} of ${members.length} hosts away: ${some(away.map(({ name }) => name))}`,
      'start them; for one that is gone for good: swarmplane forget NAME',
    ),
  ];
}

function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function ago(at: number): string {
  const minutes = Math.max(0, Math.round((Date.now() - at) / 60_000));
  if (minutes < 120) return `${minutes} min ago`;
  return minutes < 2_880
    ? `${Math.round(minutes / 60)} h ago`
    : `${Math.round(minutes / 1_440)} days ago`;
}
