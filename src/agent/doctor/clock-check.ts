/**
 * The clock's part of `swarmplane doctor`. Requests and certificates count wall time: hosts whose
 * clocks differ by more than five minutes refuse each other (docs/protocol.md section 8).
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Account } from '../../swarm/index.ts';
import { askAgent, type Answer } from '../control/ask-agent.ts';
import { broken, fine, skipped, warning, type Finding } from './finding.ts';
import type { ResultOf } from '../control/operations.ts';

type Health = ResultOf<'health'>;

/** `health` undefined: no agent to ask others through. Never rejects. */
export async function checkClocks(health: Health | undefined, socket: string): Promise<Finding[]> {
  const synchronised = await checkSynchronised();
  if (health === undefined) return [synchronised];
  return [synchronised, checkSteps(health), await checkOthers(health, socket)];
}

/** By what systemd or chrony leave on the disk, else by asking timedatectl. */
async function checkSynchronised(): Promise<Finding> {
  if (existsSync('/run/systemd/timesync/synchronized')) {
    return fine('clock', 'synchronised by systemd-timesyncd');
  }
  const said = await timedatectl();
  if (said === 'yes') return fine('clock', 'synchronised, says timedatectl');
  if (said === 'no') {
    return warning(
      'clock',
      'not synchronised, says timedatectl',
      'enable NTP: timedatectl set-ntp true, or install chrony',
    );
  }
  return skipped('clock', 'cannot tell whether NTP keeps it (no timedatectl here)');
}

async function timedatectl(): Promise<string | undefined> {
  try {
    const args = ['show', '--property=NTPSynchronized', '--value'];
    const { stdout } = await promisify(execFile)('timedatectl', args, { timeout: 2_000 });
    return stdout.trim();
  } catch {
    return undefined;
  }
}

/** How far wall time and the clock that nobody sets have parted since the agent started. */
function checkSteps({ startedAt, uptimeMs }: Health): Finding {
  const partedMs = Date.now() - startedAt - uptimeMs;
  if (Math.abs(partedMs) < STEP_MS) {
    return fine('clock', 'wall time runs evenly since the agent started');
  }
  return warning(
    'clock',
    `wall time was moved by ${(partedMs / 1000).toFixed(1)} s since the agent started`,
    'the machine slept or somebody set the clock: look whether NTP keeps it',
  );
}

const STEP_MS = 5_000;

/** Asks some members for their time; the way there and back bounds the error. */
async function checkOthers(health: Health, socket: string): Promise<Finding> {
  const others = health.members.filter(({ state, self }) => state === 'alive' && !self);
  if (others.length === 0) return skipped('clock', 'no other host to compare with');
  const hosts = others.slice(0, HOSTS_MAX).map(({ nodeId }) => nodeId);
  try {
    return judge(await askTimes(socket, hosts));
  } catch (error) {
    return skipped('clock', `cannot compare with other hosts: ${(error as Error).message}`);
  }
}

const HOSTS_MAX = 16;
const TIMEOUT_MS = 5_000;

interface Skew {
  readonly host: string;
  readonly seconds: number;
  /** The host refused the question because clocks differ by more than five minutes. */
  readonly refused: boolean;
}

async function askTimes(socket: string, hosts: readonly string[]): Promise<Skew[]> {
  const skews: Skew[] = [];
  const sentAt = Date.now();
  const sql = 'select unix_time from time';
  const limit = AbortSignal.timeout(2 * TIMEOUT_MS);
  const question = { sql, hosts, timeoutMs: TIMEOUT_MS };
  const note = ({ host, rows: [row] }: Answer): void => {
    if (row === undefined) return;
    // unix_time is cut to whole seconds: half of one later is the best guess.
    const middle = (sentAt + Date.now()) / 2_000;
    skews.push({ host, seconds: Number(row[1]) + 0.5 - middle, refused: false });
  };
  const account = await askAgent(socket, question, note, limit);
  return [...skews, ...refusals(account)];
}

function refusals(account: Account): Skew[] {
  return account.hosts
    .filter(({ state, code }) => state === 'refused' && code?.startsWith('clock_'))
    .map(({ name }) => ({ host: name, seconds: Infinity, refused: true }));
}

function judge(skews: readonly Skew[]): Finding {
  const worst = [...skews].sort((a, b) => Math.abs(b.seconds) - Math.abs(a.seconds))[0];
  if (worst === undefined) return skipped('clock', 'no other host told its time');
  const hint = 'set the clock that is wrong, and keep it with NTP; five minutes are the limit';
  if (worst.refused) {
    return broken('clock', `${worst.host} refuses: its clock differs by over five minutes`, hint);
  }
  const by = Math.abs(worst.seconds);
  const differs = `${worst.host} is ${by.toFixed(0)} s ${worst.seconds > 0 ? 'ahead' : 'behind'}`;
  if (by > 240) return broken('clock', differs, hint);
  if (by > 30) return warning('clock', differs, hint);
  return fine('clock', `agrees with ${skews.length} other hosts`);
}
