/**
 * Commands over a real swarm: a commander in this process, a host as a process of its own that is
 * killed at every step. An action appends to a file, so that running twice cannot hide.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeCommand } from '../../../src/agent/actions/command.ts';
import {
  Agent,
  createLog,
  initSwarm,
  loadConfig,
  OPERATOR_KEY_FILE,
  OperatorDesk,
  PackedAnswer,
  StateFolder,
  type HostOutcome,
} from '../../../src/agent/index.ts';
import { isAlive } from './is-alive.ts';
import { eventually, freeAddress, TestHost } from '../../helpers/swarm.ts';

const FAULT = fileURLToPath(new URL('fault.mjs', import.meta.url));
const log = createLog('error', 'test');
let folder: string;
let commander: Agent;
let desk: OperatorDesk;
let certificate: Uint8Array;
let host: TestHost;
let hostId: string;
/** Every run of an action leaves a line here. */
let runs: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'actions-'));
  const state = StateFolder.open(join(folder, 'commander'));
  const text = await initSwarm(state, { name: 'commander', listen: '127.0.0.1:0' });
  const tokenFile = join(folder, 'join.token');
  writeFileSync(tokenFile, text);
  commander = await Agent.start({ state, config: loadConfig(state), hub: false, log });
  desk = await OperatorDesk.open(state.file(OPERATOR_KEY_FILE));
  certificate = grant();
  const seed = `127.0.0.1:${commander.node.address.port}`;
  const listen = await freeAddress();
  const token = ['--join', seed, '--token-file', tokenFile];
  host = new TestHost('host', folder, listen, [
    'up',
    '--name',
    'host',
    '--listen',
    listen,
    ...token,
  ]);
  mkdirSync(host.state, { mode: 0o700 });
  writeFileSync(join(host.state, 'config.yaml'), configuration(listen));
  await restart();
  hostId = (await host.status()).nodeId;
});
afterAll(async () => {
  await host?.end();
  await commander?.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  runs = join(folder, `runs-${randomUUID()}`);
});

/** The shell is the test's own: the configuration of a host may name any program. */
function configuration(listen: string): string {
  const actions = {
    count: sh('echo $$ >> "$1"; echo counted', 'file'),
    fail: sh('echo $$ >> "$1"; echo sorry >&2; exit 3', 'file'),
    wait: sh('echo $$ >> "$1"; while [ ! -e "$1.go" ]; do sleep 0.02; done', 'file'),
    kill: sh('echo $$ >> "$1"; kill -9 $PPID; sleep 1000', 'file'),
    off: { ...sh('echo $$ >> "$1"', 'file'), enabled: false },
    other: { program: '/bin/true', user: 'no-such-user' },
  };
  const rest = { name: 'host', listen, actions, limits: {}, log: 'info' };
  return JSON.stringify(rest);
}

function sh(script: string, name: string) {
  return {
    program: '/bin/sh',
    args: ['-c', script, 'sh', `{${name}}`],
    patterns: { [name]: '/[A-Za-z0-9/_.-]+' },
  };
}

function grant(content: { roles?: string[]; actions?: string[]; days?: number } = {}): Uint8Array {
  const { roles = ['commander'], actions = ['*'], days = 1 } = content;
  return desk.grant({ nodeId: commander.nodeId, roles, actions, tables: [], days }).bytes;
}

/** Starts the host, or starts it anew; it may be told to fail at a step of its journal. */
async function restart(fault?: string): Promise<void> {
  await host.end('SIGKILL');
  const options = { NODE_OPTIONS: `--import ${FAULT}`, FAULT: fault };
  host.start(fault === undefined ? {} : options);
  await host.until((status) => status.alive === 2, 'sees the commander');
  await eventually(
    () => commander.members().find((member) => member.name === 'host' && member.linked),
    'the commander sees the host',
  );
}

interface Sent {
  readonly id?: string;
  readonly args?: Record<string, string>;
  readonly certificate?: Uint8Array | undefined;
  readonly timeoutMs?: number;
  readonly expires?: number;
}

type Answered = HostOutcome & { readonly row: Record<string, unknown> };

async function send(action: string, sent: Sent = {}): Promise<Answered> {
  const { id = randomUUID(), args = { file: runs }, timeoutMs = 20_000 } = sent;
  const expires = sent.expires ?? Date.now() + 60_000;
  const ids = new Map([[hostId, id]]);
  const shown = 'certificate' in sent ? sent.certificate : certificate;
  const events = commander.node.request({
    body: encodeCommand({ action, args, askedBy: 'alice', expires, ids }),
    kind: 'action',
    targets: { kind: 'nodes', nodes: [hostId] },
    timeoutMs,
    ...(shown && { certificate: shown }),
  });
  for await (const event of events) {
    if (event.kind !== 'answer') continue;
    const { columns, rows } = new PackedAnswer(event.outcome, event.payload, event.proof);
    const row = Object.fromEntries(columns.map((column, at) => [column, rows[0]?.[at]]));
    return { ...event.outcome, row };
  }
  throw new Error('no answer');
}

function count(): number {
  return existsSync(runs) ? readFileSync(runs, 'utf8').trimEnd().split('\n').length : 0;
}

const refused = (code: string, message = '') => ({
  state: 'refused',
  code,
  message: expect.stringContaining(message) as string,
});

describe('a command', () => {
  it('runs once, and the same again gets the stored outcome, after a restart too', async () => {
    const id = randomUUID();
    const first = await send('count', { id });
    expect(first).toMatchObject({
      state: 'ok',
      rowCount: 1,
      truncated: false,
      row: {
        exit_code: 0,
        signal: null,
        stdout: 'counted\n',
        stderr: '',
        stdout_bytes: 8,
        stderr_bytes: 0,
        truncated: 0,
        ended: 'exit',
        error: null,
      },
    });
    expect((await send('count', { id })).row).toEqual(first.row);
    await restart();
    expect((await send('count', { id })).row).toEqual(first.row);
    expect(count()).toBe(1);
    const { stdout } = await host.cli('actions', '--log', '--json');
    expect(JSON.parse(stdout)).toContainEqual(
      expect.objectContaining({ id, action: 'count', askedBy: 'alice', ended: true }),
    );
  });

  it('that fails says how', async () => {
    expect(await send('fail')).toMatchObject({
      state: 'ok',
      row: { exit_code: 3, stderr: 'sorry\n', ended: 'exit' },
    });
  });

  it('that runs still is not started again: who asks waits for the same run', async () => {
    const id = randomUUID();
    const waiting = send('wait', { id });
    await eventually(() => count() || undefined, 'it runs');
    expect(await send('wait', { id, timeoutMs: 1_500 })).toMatchObject(refused('running'));
    const second = send('wait', { id });
    writeFileSync(`${runs}.go`, '');
    expect((await second).row).toEqual((await waiting).row);
    expect(count()).toBe(1);
  });

  it('under the id of another is refused with an alarm', async () => {
    const id = randomUUID();
    await send('count', { id });
    expect(await send('count', { id, args: { file: `${runs}x` } })).toMatchObject(
      refused('command_reused', `under the id ${id}, which belongs to another command`),
    );
    expect(await send('fail', { id })).toMatchObject(refused('command_reused'));
    expect(count()).toBe(1);
    const sql = `select count from swarm_alarms where kind = 'command_reused' and key = '${id}'`;
    expect((await host.cli('query', '--hosts', 'host', '--csv', sql)).stdout).toContain('host,2');
  });

  it('waits for its turn, and one that is not started in time can be tried again', async () => {
    const others = Array.from({ length: 4 }, () => send('wait'));
    await eventually(() => (count() === 4 ? true : undefined), 'four run');
    const id = randomUUID();
    expect(await send('count', { id, timeoutMs: 1_200 })).toMatchObject(refused('busy'));
    writeFileSync(`${runs}.go`, '');
    await Promise.all(others);
    expect(await send('count', { id })).toMatchObject({ state: 'ok' });
    expect(count()).toBe(5);
  });

  it.each([
    ['nonesuch', {}, 'no_such_action', '"nonesuch" is refused: no action of that name'],
    ['off', {}, 'action_disabled', '"off" is refused: it is not enabled here'],
    ['count', { args: {} }, 'bad_args', 'wants the argument "file"'],
    ['count', { args: { file: '-x' } }, 'bad_args', 'file is "-x", which does not match'],
    ['other', { args: {} }, 'user', 'no user "no-such-user"'],
    ['count', { expires: Date.now() - 600_000 }, 'command_expired', 'is over'],
    ['count', { expires: Date.now() + 1e11 }, 'bad_command', 'more than 91 days'],
  ])('of %s with %j is refused', async (action, sent: Sent, code, message) => {
    expect(await send(action, sent)).toMatchObject(refused(code, message));
    expect(count()).toBe(0);
  });
});

describe('a hub that may not command', () => {
  it('is refused, whatever else it shows', async () => {
    for (const [shown, why] of [
      [undefined, 'commander showed none: `swarmplane operator grant commander --role commander'],
      [grant({ actions: ['fail'] }), 'does not allow "count"'],
      [grant({ roles: ['reader-of-sensitive'] }), 'does not allow "count"'],
      [grant({ days: 0.001 }), 'it has run out'],
      [new Uint8Array([1, 2, 3]), ''],
    ] as const) {
      expect(await send('count', { certificate: shown })).toMatchObject(refused('authority', why));
    }
    expect(await send('fail', { certificate: grant({ actions: ['fail'] }) })).toMatchObject({
      state: 'ok',
    });
    expect(count()).toBe(1);
  });

  it('is refused once its certificate is revoked, stored outcomes too', async () => {
    const id = randomUUID();
    const { bytes, serial } = desk.grant({
      nodeId: commander.nodeId,
      roles: ['commander'],
      actions: ['*'],
      tables: [],
      days: 1,
    });
    expect(await send('count', { id, certificate: bytes })).toMatchObject({ state: 'ok' });
    const list = desk.revoke([], { serials: [serial] }, 1);
    expect(await commander.node.install({ records: [list.bytes], parts: [] })).toBe(true);
    await eventually(async () => {
      const answer = await send('count', { id, certificate: bytes });
      return answer.state === 'refused' ? answer : undefined;
    }, 'the revocation holds');
    expect(await send('count', { id, certificate: bytes })).toMatchObject(
      refused('authority', 'it was revoked'),
    );
    expect(count()).toBe(1);
  });
});

/** Kills the host at a step, starts it again, and asks for the same command until it is answered. */
async function through(fault: string | undefined, action: string, id: string): Promise<Answered> {
  await restart(fault);
  const broken = send(action, { id, timeoutMs: 30_000 });
  await eventually(() => (host.running ? undefined : true), 'the host is killed');
  await restart();
  // Lost with the host, or answered after all by the one that is back.
  await broken;
  return send(action, { id });
}

const INTERRUPTED = {
  ended: 'interrupted',
  exit_code: null,
  error: 'the agent ended while it ran',
};

describe('kill -9 of the host', () => {
  it('before the start is written down: it runs at the next try', async () => {
    const answer = await through('write:1:before', 'count', randomUUID());
    expect(answer).toMatchObject({ state: 'ok', row: { ended: 'exit', exit_code: 0 } });
    expect(count()).toBe(1);
  });

  it('after the start is written down: it is interrupted and never runs', async () => {
    const answer = await through('datasync:1:after', 'count', randomUUID());
    expect(answer.row).toMatchObject(INTERRUPTED);
    expect(count()).toBe(0);
  });

  it('while it runs: what is left of it is ended, and it never runs again', async () => {
    const id = randomUUID();
    const answer = await through(undefined, 'kill', id);
    expect(answer.row).toMatchObject(INTERRUPTED);
    expect(isAlive(Number(readFileSync(runs, 'utf8')))).toBe(false);
    expect((await send('kill', { id })).row).toMatchObject(INTERRUPTED);
    expect(count()).toBe(1);
  });

  it('after it ended, before its outcome is written down: interrupted', async () => {
    const id = randomUUID();
    expect((await through('write:2:before', 'count', id)).row).toMatchObject(INTERRUPTED);
    expect((await send('count', { id })).row).toMatchObject(INTERRUPTED);
    expect(count()).toBe(1);
  });

  it('after its outcome is written down, before anybody heard of it: the outcome', async () => {
    const answer = await through('datasync:2:after', 'count', randomUUID());
    expect(answer.row).toMatchObject({ ended: 'exit', exit_code: 0, stdout: 'counted\n' });
    expect(count()).toBe(1);
  });
});

describe('a full disk', () => {
  it('refuses a command before it starts, and takes it when there is room', async () => {
    await restart('write:1:full');
    const id = randomUUID();
    expect(await send('count', { id })).toMatchObject(refused('journal', 'ENOSPC'));
    expect(count()).toBe(0);
    expect(await send('count', { id })).toMatchObject({ state: 'ok' });
    expect(count()).toBe(1);
  });

  it('after the end: the outcome is given, and the command is not run again', async () => {
    await restart('write:2:full');
    const id = randomUUID();
    expect(await send('count', { id })).toMatchObject({ state: 'ok', row: { exit_code: 0 } });
    expect(await send('count', { id })).toMatchObject({ state: 'ok', row: { exit_code: 0 } });
    await restart();
    expect((await send('count', { id })).row).toMatchObject(INTERRUPTED);
    expect(count()).toBe(1);
  });
});

it('a stop of the host ends what runs and keeps what it wrote', async () => {
  await restart();
  const id = randomUUID();
  const waiting = send('wait', { id });
  await eventually(() => count() || undefined, 'it runs');
  await host.end();
  await waiting;
  await restart();
  expect((await send('wait', { id })).row).toMatchObject({ ended: 'interrupted' });
  expect(count()).toBe(1);
});

it('a damaged journal runs nothing and says so', async () => {
  await host.end();
  const journal = join(host.state, 'actions.journal');
  const text = readFileSync(journal, 'utf8');
  writeFileSync(journal, text.replace('"count"', '"c0unt"'));
  await restart();
  expect(await send('count')).toMatchObject(refused('journal', 'is damaged at byte'));
  expect(count()).toBe(0);
  writeFileSync(journal, text);
});
