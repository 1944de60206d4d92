/**
 * How often the decoy probe finds a key that was swapped at first contact. Attacker: sits between
 * the asker and the target, and on a share f of the paths to witnesses, each drawn by itself; there
 * it answers in the witness's name, with the lie. Real cores; only probes are carried between them,
 * since honest gossip alone would tell the asker of the target's true record.
 */
import { SwarmCore } from '../../src/swarm/index.ts';
import type { Crypto, PeerIdentity } from '../../src/secure/types.ts';
import type { Now, Tuning } from '../../src/swarm/index.ts';
import { attachSignature, decodeMessage, fromHex, prefixOfNode } from '../../src/wire/index.ts';
import { signingBytes } from '../../src/wire/index.ts';
import {
  parseSimulatedEntry,
  parseSimulatedRecord,
  simulatedAdmission,
  simulatedCrypto,
  simulatedEntry,
} from './crypto.ts';
import { EPOCH_MS, FIRST_EPOCH, FIRST_RECORDS, FIRST_TOKEN, SWARM_ID } from './host.ts';
import { Random } from './random.ts';

export interface ProbeSimOptions {
  readonly seed: number;
  readonly runs: number;
  /** Witnesses a probe asks, k. */
  readonly witnesses: number;
  /** Share of paths to witnesses that the attacker controls, f. */
  readonly share: number;
}

export interface ProbeSimResult {
  /** Share of the runs in which the alarm was raised. */
  readonly found: number;
  /** 1 - f^k */
  readonly theory: number;
  /** Four standard deviations of a binomial share. */
  readonly bound: number;
}

export function probeShare(options: ProbeSimOptions): ProbeSimResult {
  const { seed, runs, witnesses, share } = options;
  const random = new Random(seed);
  const others = Array.from({ length: WITNESSES }, (_, i) => new Actor(`w${i}`, random));
  const asker = new Actor('asker', random);
  const target = new Actor('target', random);
  // Under the target's name and address, at the asker and wherever the attacker answers.
  const swapped = new Actor('target', random);
  const answering = (one: Actor, known: Actor): SwarmCore => {
    const members = [known, ...others];
    const core = one.start(members, random.fork(), {}, [...members, asker]);
    core.handleLinkUp(START, LINK, asker.identity, { initiator: false });
    return core;
  };
  const honest = others.map((one) => answering(one, target));
  const hostile = others.map((one) => answering(one, swapped));
  const attacker = answering(swapped, swapped);
  let now = START;
  let found = 0;
  for (let run = 0; run < runs; run++) {
    const paths = others.map((_, i) => (random.hits(share) ? hostile[i]! : honest[i]!));
    const core = asker.start([swapped, ...others], random.fork(), { probeWitnesses: witnesses });
    const world = { core, actors: [swapped, ...others], peers: [attacker, ...paths] };
    now = runUntilProbed(world, swapped, now);
    if (hasAlarm(core, swapped)) found++;
  }
  const theory = 1 - share ** witnesses;
  const bound = 4 * Math.sqrt((theory * (1 - theory)) / runs);
  return { found: found / runs, theory, bound };
}

interface Slice {
  /** The asker's core; its links are numbered as the peers are. */
  readonly core: SwarmCore;
  readonly actors: readonly Actor[];
  readonly peers: readonly SwarmCore[];
}

/** Lets the asker's time pass until it has probed `target`. */
function runUntilProbed(slice: Slice, target: Actor, start: Now): Now {
  const { core, actors } = slice;
  for (const [link, actor] of actors.entries()) {
    core.handleLinkUp(start, link, actor.identity, { initiator: true, address: actor.address });
  }
  let now = start;
  while (!core.probes().some((result) => result.nodeId === target.nodeId)) {
    const mono = Math.max(now.mono, core.nextTimeout()!);
    now = { mono, wall: EPOCH_MS + mono };
    core.handleTimeout(now);
    carry(slice, now);
  }
  return now;
}

/** Questions go to the peers, answers come back; everything else is lost. */
function carry({ core, peers }: Slice, now: Now): void {
  while (core.pollEffect());
  for (let sent = core.pollSend(); sent; sent = core.pollSend()) {
    if (decodeMessage(sent.message)?.t !== 'probe') continue;
    const peer = peers[sent.link]!;
    peer.handleMessage(now, LINK, sent.message);
    for (let answer = peer.pollSend(); answer; answer = peer.pollSend()) {
      if (decodeMessage(answer.message)?.t !== 'probed') continue;
      core.handleMessage(now, sent.link, answer.message);
    }
  }
}

function hasAlarm(core: SwarmCore, about: Actor): boolean {
  for (let event = core.pollEvent(); event; event = core.pollEvent()) {
    if (event.kind !== 'alarm' || event.alarm.over === true) continue;
    if (event.alarm.kind === 'probe_conflict' && event.alarm.key === about.nodeId) return true;
  }
  return false;
}

/** A host with a key, and the record it would show. */
class Actor {
  readonly name: string;
  readonly address: string;
  readonly identity: PeerIdentity;
  readonly record: Uint8Array;
  readonly #crypto: Crypto;

  constructor(name: string, random: Random) {
    const signKey = random.bytes(32);
    const entry = simulatedEntry(signKey);
    this.name = name;
    this.address = `${name}:7000`;
    const admission = simulatedAdmission(SWARM_ID, FIRST_TOKEN, entry.nodeId);
    this.identity = { nodeId: entry.nodeId, bootId: random.bytes(16), entry, admission };
    this.#crypto = simulatedCrypto(signKey);
    const signed = signingBytes({
      kind: 'member',
      swarm: SWARM_ID,
      node: fromHex(entry.nodeId),
      entry: entry.bytes,
      name,
      addresses: [this.address],
      labels: {},
      version: '',
      hub: false,
      incarnation: 1,
      bootId: this.identity.bootId,
      state: 'alive',
      prekey: undefined,
      admission,
    });
    this.record = attachSignature(signed, this.#crypto.sign(signed));
  }

  get nodeId(): string {
    return this.identity.nodeId;
  }

  /** A core that knows these members; `seated`: who came by the token, as its disk has it. */
  start(
    known: readonly Actor[],
    random: Random,
    tuning: Partial<Tuning> = {},
    seated: readonly Actor[] = known,
  ): SwarmCore {
    const { name, address } = this;
    return new SwarmCore({
      self: { ...this.identity, name, addresses: [address], labels: {}, version: '', hub: false },
      swarmId: SWARM_ID,
      epoch: 1,
      crypto: this.#crypto,
      parseEntry: parseSimulatedEntry,
      random: (n) => random.bytes(n),
      head: FIRST_EPOCH.head,
      parseRecord: parseSimulatedRecord,
      records: FIRST_RECORDS,
      seats: new Map([[FIRST_TOKEN.tag, seated.map((one) => prefixOfNode(one.nodeId))]]),
      members: known.map((one) => ({ bytes: one.record, wall: 0 })),
      tuning: { ...QUIET, ...tuning },
    });
  }
}

/** More than are asked, so that they are drawn. */
const WITNESSES = 10;
/** An answering core has one link: to the asker. */
const LINK = 0;
const START: Now = { mono: 0, wall: EPOCH_MS };
/** Links live on without heartbeats; probes follow each other in seconds. */
const QUIET: Partial<Tuning> = {
  heartbeatMs: 1e12,
  linkDeadMs: 1e12,
  digestMs: 1e12,
  seedRedialMs: 1e12,
  probeMeanMs: 5_000,
  probeAnswerMs: 1_000,
};
