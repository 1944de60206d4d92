/** The control socket at both of its doors: what it takes, what it gives, and what it says of the rest. */
import { mkdtempSync } from 'node:fs';
import { createServer, connect, type Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  control,
  controlOnce,
  encodeReply,
  messagesOf,
  type ControlReply,
} from '../../../src/agent/control/control-protocol.ts';
import { ControlServer, type ControlHandler } from '../../../src/agent/control/control-server.ts';
import {
  OPERATIONS,
  parseRequest,
  type ControlRequest,
} from '../../../src/agent/control/operations.ts';
import { encodeFrame, pack, type Packable } from '../../../src/wire/index.ts';
import { createLog } from '../../../src/agent/log.ts';

const ACCOUNT = { requestId: '0'.repeat(32), hosts: [], unexpected: [] };
const OUTCOME = { nodeId: 'a', name: 'web1', state: 'ok', rowCount: 0, truncated: false } as const;
const log = createLog('error', 'test');
const VERSIONS = 'the agent and the command line may be of different versions: restart the agent';

describe('the control socket', () => {
  it('hands over what fits the operation, as it was asked', async () => {
    const asked: ControlRequest[] = [];
    const path = await serve(async function* (request) {
      asked.push(request);
      yield { outcome: OUTCOME, payload: Buffer.from([1, 2]) };
      return ACCOUNT;
    });
    const request = { op: 'query', sql: 'select 1', hosts: ['web1'], timeoutMs: 10 } as const;
    const items = [];
    const replies = control(path, request);
    for (;;) {
      const next = await replies.next();
      if (next.done === true) {
        expect(next.value).toEqual(ACCOUNT);
        break;
      }
      items.push(next.value);
    }
    expect(items).toEqual([{ outcome: OUTCOME, payload: Uint8Array.of(1, 2) }]);
    expect(asked).toEqual([request]);
  });

  it.each([
    [{ op: 'nope' }, 'this agent does not know "nope"'],
    [{ op: 'constructor' }, 'this agent does not know "constructor"'],
    [{}, 'this agent does not know nothing'],
    [null, 'this agent does not know nothing'],
    [[], 'this agent does not know nothing'],
    [{ op: 7 }, 'this agent does not know 7'],
    [{ op: 'status', also: 1 }, 'status: also: Invalid key: Expected never but received "also"'],
    [{ op: 'forget' }, 'forget: node: Invalid key: Expected "node" but received undefined'],
    [{ op: 'forget', node: '' }, 'forget: node: a host is missing'],
    [{ op: 'forget', node: 7 }, 'forget: node: Invalid type: Expected string but received 7'],
    [
      { op: 'query', sql: 'select 1' },
      'query: timeoutMs: Invalid key: Expected "timeoutMs" but received undefined',
    ],
    [
      { op: 'query', sql: 'x', timeoutMs: 0 },
      'query: timeoutMs: Invalid value: Expected >=1 but received 0',
    ],
    [
      { op: 'query', sql: 'x', timeoutMs: 6e5 + 1 },
      'query: timeoutMs: Invalid value: Expected <=600000 but received 600001',
    ],
    [
      { op: 'query', sql: 'x', timeoutMs: 1, hosts: [1] },
      'query: hosts.0: Invalid type: Expected string but received 1',
    ],
    [
      { op: 'install', records: [] },
      'install: records: Invalid length: Expected >=1 but received 0',
    ],
    [{ op: 'install', records: ['x'] }, 'install: records.0: Invalid type: Expected bytes'],
  ] as const)('says what is wrong with %j', async (message, says) => {
    const path = await serve(async function* () {
      throw new Error('it never comes so far');
    });
    expect(await raw(path, message as Packable)).toEqual([
      { kind: 'error', code: 'invalid_request', message: says, hint: VERSIONS },
    ]);
  });

  it.each([
    [
      { kind: 'end', value: { version: 'two' } },
      /"rotate-key" cannot be read: version: Invalid type: Expected number but received "two"/,
    ],
    [
      { kind: 'end', value: null },
      /"rotate-key" cannot be read: Invalid type: Expected Object but received null/,
    ],
    [{ kind: 'item', value: 1 }, /"rotate-key" cannot be read: no items are due/],
    [{ kind: 'other' }, /what answers on the control socket is no agent/],
    [{ kind: 'error', code: 'host_gone', message: 'it is gone' }, /^it is gone$/],
  ])('refuses an answer of another shape: %j', async (reply, says) => {
    const path = await listening((socket) => {
      socket.once('data', () => socket.end(encodeFrame(pack(reply as Packable))));
    });
    await expect(controlOnce(path, { op: 'rotate-key' })).rejects.toThrow(says);
  });

  it('says that an agent went away in the middle of its answer', async () => {
    const item = { outcome: OUTCOME, payload: new Uint8Array(0) };
    const path = await listening((socket) => {
      socket.once('data', () => socket.end(encodeReply({ kind: 'item', value: item })));
    });
    const replies = control(path, { op: 'query', sql: 'x', timeoutMs: 1 });
    expect((await replies.next()).value).toEqual(item);
    await expect(replies.next()).rejects.toThrow('before its answer ended');
  });

  it('keeps optional parts of a request away where they were not given', () => {
    expect(parseRequest({ op: 'nodes' })).toEqual({ op: 'nodes' });
    expect(parseRequest({ op: 'records', after: 'ab' })).toEqual({ op: 'records', after: 'ab' });
    expect(Object.keys(OPERATIONS).length).toBeGreaterThan(10);
  });
});

async function serve(handler: ControlHandler): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'control-')), 'control.sock');
  const server = await ControlServer.start(path, handler, log);
  onTestFinished(() => server.stop());
  return path;
}

async function listening(serveOne: (socket: import('node:net').Socket) => void): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), 'control-')), 'control.sock');
  const server: Server = createServer(serveOne);
  server.listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return path;
}

/** All replies to a message that the types would not let through. */
async function raw(path: string, message: Packable): Promise<ControlReply[]> {
  const socket = connect(path);
  socket.write(encodeFrame(pack(message)));
  const replies: ControlReply[] = [];
  for await (const reply of messagesOf(socket, 1 << 20)) replies.push(reply as ControlReply);
  return replies;
}
