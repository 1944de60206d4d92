import { afterEach, beforeAll, expect, test } from 'vitest';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import { fromHex, utf8 } from '../../src/wire/index.ts';
import {
  answer,
  createSwarm,
  meshed,
  startNode,
  stopAll,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
const proxies: RecordingProxy[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  await stopAll();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
});

const ROW = 'a-row-that-nobody-else-may-read-0123456789';
const SQL = "select 'a-question-that-nobody-else-may-read'";

/** What may never be seen on the wire, by name. */
function secretsOf(...nodes: readonly TestNode[]): Record<string, Uint8Array> {
  const kept: Record<string, Uint8Array> = {
    'a row': utf8(ROW),
    'the question': utf8(SQL),
    'the join token': utf8(swarm.token),
    'the join secret': swarm.joinSecret,
    'the join key': swarm.tokenKeys.joinKey,
    'the seed of the token': swarm.tokenKeys.seed,
    'the epoch key': swarm.secrets.epochKey!,
  };
  for (const word of swarm.token.split(/[\s-]+/)) {
    if (word.length >= 5) kept[`the token's part ${word}`] = utf8(word);
  }
  for (const { name, identity } of nodes) {
    kept[`the host name ${name}`] = utf8(name);
    kept[`the identity key of ${name}`] = identity.newest.signKey;
    kept[`the box key of ${name}`] = identity.newest.boxKey;
  }
  return kept;
}

function found(capture: Buffer, kept: Record<string, Uint8Array>): string[] {
  return Object.entries(kept)
    .filter(([, bytes]) => {
      const buffer = Buffer.from(bytes);
      const texts = [buffer.toString('hex'), buffer.toString('base64')];
      return capture.includes(buffer) || texts.some((text) => capture.includes(text));
    })
    .map(([name]) => name);
}

test('all bytes of a run, from admission to a query and its rows, show nothing', async () => {
  const a = await startNode('host-name-of-a', swarm.secrets, { advertise: ['127.0.0.1:1'] });
  const proxy = await RecordingProxy.start(a.address);
  proxies.push(proxy);
  const run = { run: async () => answer(ROW), advertise: ['127.0.0.1:1'] };
  const b = await startNode('host-name-of-b', swarm.stranger, run);
  await b.node.join(proxy.address);
  await meshed(a, b);
  for (const asker of [a, b]) {
    const rows: string[] = [];
    const spec = { kind: 'query', body: utf8(SQL), timeoutMs: 20_000 };
    for await (const event of asker.node.request({ ...spec, targets: { kind: 'all' } })) {
      if (event.kind === 'answer') rows.push(Buffer.from(event.payload).toString());
    }
    expect(rows).toContain(ROW);
  }
  await b.node.leave();
  const again = await startNode('host-name-of-b', b.saved[0]!, { ...run, identity: b.identity });
  await again.node.join(proxy.address);
  await meshed(a, again);

  // J-PAKE binds its proofs to node ids, which a stranger must show (docs/protocol.md section 3);
  // between members not even these are seen.
  const between = proxy.capture(1);
  for (const { identity } of [a, b]) {
    expect(found(between, { bytes: fromHex(identity.nodeId) })).toEqual([]);
    expect(between.includes(identity.nodeId)).toBe(false);
  }
  const capture = proxy.capture();
  expect(proxy.connections).toBe(2);
  expect(capture.length).toBeGreaterThan(4_000);
  const kept = secretsOf(a, b);
  expect(found(capture, kept)).toEqual([]);
  // The search itself works: each of these is found once it is there.
  for (const [name, bytes] of Object.entries(kept)) {
    expect(found(Buffer.concat([capture, bytes]), kept)).toContain(name);
  }
});
