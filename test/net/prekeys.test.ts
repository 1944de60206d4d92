import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RunOutcome } from '../../src/swarm/index.ts';
import { decodeMessage, decodeSigned, encodeMessage, toHex, utf8 } from '../../src/wire/index.ts';
import type { RequestBody } from '../../src/wire/index.ts';
import type { NetOptions } from '../../src/net/options.ts';
import { RawMember } from './raw-member.ts';
import {
  answer,
  createSwarm,
  member,
  meshed,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
const raws: RawMember[] = [];
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(async () => {
  for (const raw of raws.splice(0)) raw.socket.destroy();
  await stopAll();
});

const SQL = "select 'for the eyes of one host only'";

/** A host that keeps what it was asked to run. */
async function startHost(
  name: string,
  seeds: readonly string[] = [],
  last?: TestNode,
  more: Partial<NetOptions> = {},
) {
  const asked: string[] = [];
  const run = async ({ body }: { body: Uint8Array }): Promise<RunOutcome> => {
    asked.push(Buffer.from(body).toString());
    return answer(name);
  };
  const again = last && { identity: last.identity, kept: last.store };
  return { ...(await startNode(name, swarm.secrets, { seeds, run, ...again, ...more })), asked };
}

async function ask(
  by: TestNode,
  body: string,
  targets: readonly TestNode[] | 'all',
): Promise<Record<string, string>> {
  const nodes = targets === 'all' ? [] : targets.map(({ identity }) => identity.nodeId);
  let states = {};
  for await (const event of by.node.request({
    kind: 'query',
    body: utf8(body),
    timeoutMs: 20_000,
    targets: targets === 'all' ? { kind: 'all' } : { kind: 'nodes', nodes },
  })) {
    if (event.kind !== 'account') continue;
    states = Object.fromEntries(event.account.hosts.map((host) => [host.name, host.state]));
  }
  return states;
}

function requestsIn(messages: readonly Uint8Array[]) {
  return messages
    .map((bytes) => decodeMessage(bytes))
    .filter((message) => message?.t === 'request')
    .map((message) => ({ message, body: decodeSigned(message.signed).body as RequestBody }));
}

test('a relay and another member hold ids and sizes of a request to named hosts, not its body', async () => {
  const relay = await startHost('relay');
  // Nothing listens there: the two have no link, and what one asks the other goes by the relay.
  const hidden = { advertise: ['127.0.0.1:1'] };
  const a = await startHost('a', [relay.address], undefined, hidden);
  const b = await startHost('b', [relay.address], undefined, hidden);
  await meshed(a, relay);
  await meshed(b, relay);
  await until(() => member(a, 'b')?.state === 'alive' && member(b, 'a') !== undefined);
  expect(member(a, 'b')!.linked).toBe(false);
  // What the relay passes on is all that it holds of it.
  const raw = await RawMember.connect(relay.node.address, swarm.secrets);
  raws.push(raw);
  const heard = raw.collect();
  await until(() => relay.node.links().length === 3);

  const large = `${SQL} -- ${'x'.repeat(40_000)}`;
  expect(await ask(a, SQL, [b])).toEqual({ b: 'ok' });
  expect(await ask(a, large, [a, b])).toEqual({ a: 'ok', b: 'ok' });
  expect([a.asked, b.asked, relay.asked]).toEqual([[large], [SQL, large], []]);
  await until(() => requestsIn(heard).length === 2);
  const [small, big] = requestsIn(heard).map(({ body }) => body);
  expect(small!.targets!.map(toHex)).toEqual([b.identity.nodeId]);
  const { id, origin } = big!;
  raw.send(encodeMessage({ t: 'pull', id, origin }));
  await until(() => requestsIn(heard).length === 3);
  expect(requestsIn(heard)[2]!.message.body!.length).toBeGreaterThan(large.length);
  expect(Buffer.concat(heard).includes(SQL)).toBe(false);
  expect(Buffer.concat([...relay.store.values()]).includes(SQL)).toBe(false);

  // The search itself works: what is asked of all is for every member.
  expect(Object.keys(await ask(a, SQL, 'all'))).toEqual(['a', 'b', 'relay']);
  await until(() => requestsIn(heard).length === 4);
  expect(Buffer.concat(heard).includes(SQL)).toBe(true);
});

test('64 hosts named at once, of which two exist', async () => {
  const a = await startHost('a');
  const b = await startHost('b', [a.address]);
  await meshed(a, b);
  const strangers = Array.from({ length: 62 }, () => ({ identity: RawMember.identity() }));
  const states = await ask(a, SQL, [a, b, ...(strangers as unknown as TestNode[])]);
  expect(Object.keys(states)).toHaveLength(64);
  expect(states).toMatchObject({ a: 'ok', b: 'ok' });
});

describe('a real host', () => {
  test('after a restart opens what is asked again, and nothing that was sealed before it', async () => {
    const a = await startHost('a');
    const b = await startHost('b', [a.address]);
    await meshed(a, b);
    const before = b.store.get('prekeys');
    await b.node.stop();
    const asking = ask(a, SQL, [b]);
    const restarted = await startHost('b', [a.address], b);
    expect(await asking).toEqual({ b: 'refused' });
    expect(restarted.asked).toEqual([]);
    expect(await ask(a, SQL, [restarted])).toEqual({ b: 'ok' });
    expect(restarted.asked).toEqual([SQL]);
    expect(restarted.store.get('prekeys')).toEqual(before);
  });

  test('restored without its prekeys says so, and opens what is asked after that', async () => {
    const a = await startHost('a');
    const b = await startHost('b', [a.address]);
    await meshed(a, b);
    await b.node.stop();
    b.store.delete('prekeys');
    const asking = ask(a, SQL, [b]);
    const restored = await startHost('b', [a.address], b);
    expect(await asking).toEqual({ b: 'refused' });
    expect(restored.asked).toEqual([]);
    expect(await ask(a, SQL, [b])).toEqual({ b: 'ok' });
  });
});
