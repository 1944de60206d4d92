/**
 * A simulated swarm in which one member attacks all others on its own links: it withdraws requests that
 * never were, asks without end, asks for records without end and accuses everybody. The others ask each
 * other meanwhile; then it is expelled.
 */
import {
  attachSignature,
  encodeMessage,
  fromHex,
  signingBytes,
  utf8,
} from '../../src/wire/index.ts';
import type { SignedBody } from '../../src/wire/index.ts';
import { simulatedCrypto, simulatedList } from './crypto.ts';
import { SWARM_ID } from './host.ts';
import type { SimHost } from './host.ts';
import { World } from './world.ts';

export interface HostileReport {
  /** Accounts in which a host other than the hostile one did not end as `ok`. */
  readonly wrong: readonly string[];
  /** Hosts where an alarm named the hostile member. */
  readonly warned: number;
  /** What books of others kept of it after it was expelled. */
  readonly left: readonly string[];
  readonly messages: number;
}

const ATTACK_MS = 10_000;
const TICK_MS = 100;
/** Of each kind on each link, each tick. */
const EACH = 20;

export function attackedSwarm(options: { seed: number; nodes: number }): HostileReport {
  const world = new World(options);
  const [hostile, ...others] = world.hosts as [SimHost, ...SimHost[]];
  world.startAll();
  const links = linksOf(hostile);
  world.run(10_000);
  const before = others.map((host) => host.core!.sizes());
  const until = world.now + ATTACK_MS;
  const asked = Array.from({ length: 10 }, (_, at) => others[at % others.length]!.ask());
  for (const one of asked) one.by.world.note('attacked');
  while (world.now < until) {
    attack(world, hostile, links, others);
    world.run(TICK_MS);
  }
  world.run(10_000);
  const wrong = asked.flatMap(({ account }) =>
    account!.hosts
      .filter(({ nodeId, state }) => nodeId !== hostile.nodeId && state !== 'ok')
      .map(({ name, state }) => `${name} ${state}`),
  );
  const warned = others.filter((host) =>
    host.alarms.some(({ kind, key }) => kind === 'share_full' && key.startsWith(hostile.nodeId)),
  ).length;
  const records = [simulatedList(1, [hostile.nodeId])];
  others[0]!.do(() => void others[0]!.core!.install(others[0]!.now, { records, parts: [] }));
  world.run(60_000);
  const left = others.flatMap((host, at) =>
    EMPTIED.filter((book) => host.core!.sizes()[book]! > before[at]![book]!).map(
      (book) => `${host.name} ${book} ${host.core!.sizes()[book]}`,
    ),
  );
  return { wrong, warned, left, messages: world.network.messages };
}

const EMPTIED = ['live', 'liveBytes', 'cancels', 'pulls', 'keptBytes', 'fullShares', 'runs'];

/** Links of a host that has just started, in the order in which they come up; the result grows. */
function linksOf(host: SimHost): Set<number> {
  const links = new Set<number>();
  const core = host.core!;
  const up = core.handleLinkUp.bind(core);
  core.handleLinkUp = (now, id, peer, info) => {
    links.add(id);
    up(now, id, peer, info);
  };
  return links;
}

function attack(
  { network }: World,
  hostile: SimHost,
  links: ReadonlySet<number>,
  others: readonly SimHost[],
): void {
  const { sha256, x25519KeyPair, sign } = simulatedCrypto(hostile.signKey);
  const signed = (body: SignedBody): Uint8Array => {
    const bytes = signingBytes(body);
    return attachSignature(bytes, sign(bytes));
  };
  const origin = fromHex(hostile.nodeId);
  const swarm = SWARM_ID;
  const body = utf8('select 1');
  const id = (): Uint8Array => hostile.random.bytes(16);
  const messages = Array.from({ length: EACH }, () => [
    encodeMessage({
      t: 'flood',
      hops: 0,
      signed: signed({ kind: 'cancel', swarm, id: id(), origin }),
    }),
    encodeMessage({
      t: 'request',
      signed: signed({
        kind: 'request',
        version: 1,
        swarm,
        epoch: 1,
        id: id(),
        origin,
        keyVersion: 0,
        replyKey: x25519KeyPair(hostile.random.bytes(32)).publicKey,
        issued: hostile.now.wall,
        expires: hostile.now.wall + 600_000,
        what: 'query',
        targets: [swarm],
        certificate: new Uint8Array(0),
        expected: swarm,
        bodyHash: sha256(body),
      }),
      body,
      hops: 0,
      ms: 600_000,
    }),
    encodeMessage({ t: 'want', nodes: others.slice(0, 64).map(({ nodeId }) => fromHex(nodeId)) }),
  ]).flat();
  const accused = hostile.random.pick(others);
  const { incarnation } = hostile.members().find(({ nodeId }) => nodeId === accused.nodeId)!;
  const accusation = signed({
    kind: 'accuse',
    swarm,
    node: fromHex(accused.nodeId),
    incarnation,
    by: origin,
  });
  messages.push(encodeMessage({ t: 'news', objects: [accusation] }));
  for (const link of links) for (const message of messages) network.send(hostile, link, message);
}
