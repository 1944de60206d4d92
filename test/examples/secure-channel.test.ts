import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../examples/secure-channel.mjs', import.meta.url));
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(...args: string[]): ChildProcess & { said: string } {
  const child = Object.assign(spawn(process.execPath, [SCRIPT, ...args]), { said: '' });
  children.push(child);
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (child.said += chunk.toString()));
  }
  return child;
}

async function listen(key: string): Promise<{ port: string; server: { said: string } }> {
  const server = start('listen', key);
  await once(server.stdout!, 'data');
  return { port: /^port (\d+)$/m.exec(server.said)![1]!, server };
}

test('two programs with one key prove who they are and talk', async () => {
  const key = randomBytes(32).toString('hex');
  const { port, server } = await listen(key);
  const client = start('connect', key, port);
  await once(client, 'close');
  expect(client.said).toMatch(/^peer [0-9a-f]{64}\nyou said: hello\n$/);
  expect(server.said).toMatch(/^peer [0-9a-f]{64}$/m);
  expect(server.said).not.toContain('closed');
});

test('another key opens nothing, and the listener goes on for those that have it', async () => {
  const key = randomBytes(32).toString('hex');
  const { port, server } = await listen(key);
  const stranger = start('connect', randomBytes(32).toString('hex'), port);
  await once(stranger, 'close');
  expect(stranger.said).not.toContain('peer');
  expect(server.said).toContain('closed: M1 under a key of no epoch that is known here');
  const client = start('connect', key, port);
  await once(client, 'close');
  expect(client.said).toContain('you said: hello');
});
