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
/** Messages of each kind in a tick, over all links: as many as one machine can make and send. */
const EACH_TICK = 2_000;
/** Of each kind on one link. */
const EACH_LEAST = 2;
const EACH_MOST = 20;
/** As many as each host takes up at once of one member; then one a second. */
const ACCUSED_AT_ONCE = 8;
/** What heartbeats find out is not asked here, and they are most of what a large mesh says. */
const QUIET_LINKS = { heartbeatMs: 30_000, linkDeadMs: 90_000 };

/** `say`: what is done next, and the messages until then. */
export function attackedSwarm(options: {
  seed: number;
  nodes: number;
  say?: (step: string, messages: number) => void;
}): HostileReport {
  const world = new World({ ...options, tuning: QUIET_LINKS });
  const [hostile, ...others] = world.hosts as [SimHost, ...SimHost[]];
  const step = (text: string): void => options.say?.(text, world.network.messages);
  step('all start');
  world.startAll();
  const links = linksOf(hostile);
  world.run(10_000);
  step('one of them attacks');
  const before = others.map((host) => host.core!.sizes());
  const until = world.now + ATTACK_MS;
  const asked = Array.from({ length: 10 }, (_, at) => others[at % others.length]!.ask());
  for (const one of asked) one.by.world.note('attacked');
  accuse(world, hostile, links, others.slice(0, ACCUSED_AT_ONCE));
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
  step('it is expelled');
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
  const { sha256, x25519KeyPair } = simulatedCrypto(hostile.signKey);
  const signed = (body: SignedBody): Uint8Array => sign(hostile, body);
  const each = Math.round(EACH_TICK / Math.max(1, links.size));
  const origin = fromHex(hostile.nodeId);
  const swarm = SWARM_ID;
  const body = utf8('select 1');
  const id = (): Uint8Array => hostile.random.bytes(16);
  const messages = Array.from({ length: Math.min(EACH_MOST, Math.max(EACH_LEAST, each)) }, () => [
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
    encodeMessage({ t: 'want', node: fromHex(hostile.random.pick(others).nodeId) }),
  ]).flat();
  for (const link of links) {
    if (network.isHeld(hostile, link)) continue;
    for (const message of messages) network.send(hostile, link, message);
  }
}

/** Each of its neighbours is told that they are gone. */
function accuse(
  { network }: World,
  hostile: SimHost,
  links: ReadonlySet<number>,
  accused: readonly SimHost[],
): void {
  const members = new Map(hostile.members().map((member) => [member.nodeId, member]));
  const objects = accused.map(({ nodeId }) => {
    const { incarnation } = members.get(nodeId)!;
    const [node, by] = [fromHex(nodeId), fromHex(hostile.nodeId)];
    return sign(hostile, { kind: 'accuse', swarm: SWARM_ID, node, incarnation, by });
  });
  const message = encodeMessage({ t: 'news', objects });
  for (const link of links) network.send(hostile, link, message);
}

function sign(host: SimHost, body: SignedBody): Uint8Array {
  const bytes = signingBytes(body);
  return attachSignature(bytes, simulatedCrypto(host.signKey).sign(bytes));
}
