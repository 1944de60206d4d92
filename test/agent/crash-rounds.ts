/**
 * Admission and the member handshake between two hosts of one process, each on a simulated disk. In
 * each round one of them loses power at a random step: a message's sending or coming, a call of the
 * file system, now and then again while it starts. It starts on what is left, and the pair must come
 * back; what is left is nothing or whole, and what a peer has seen of a host stays true.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readSecrets, saveSecrets, writeSecrets } from '../../src/agent/state/secrets-file.ts';
import { StateFolder } from '../../src/agent/state/state-folder.ts';
import * as secure from '../../src/secure/index.ts';
import { concat, toHex } from '../../src/wire/index.ts';
import { seededRandom } from '../secure/fixture.ts';
import { SimulatedDisk, type Dice } from './simulated-disk.ts';

/** Every so many rounds with the real J-PAKE, which costs 50 times the rest of a round. */
const REAL_PAKE_EVERY = 100;
const NOW = 1_700_000_000;

type Role = secure.HandshakeRole;

export class CrashRounds {
  readonly #random: (n: number) => Uint8Array;
  readonly #dice: Dice;
  readonly #secrets: secure.SwarmSecrets;
  readonly #hosts: Record<Role, Host>;
  /** Most steps of a whole run of each kind, by who takes them. */
  readonly #steps: Record<string, number> = {};
  #round = 0;
  /** Rounds in which the power went, and those of them in which it went again at the start. */
  readonly lost = { once: 0, again: 0 };

  constructor(seed: string) {
    this.#random = seededRandom(seed);
    this.#dice = (below) => Buffer.from(this.#random(4)).readUInt32BE() % Math.max(1, below);
    const operator = secure.OperatorKey.create(this.#random);
    const { publicKey: operatorKey, swarmId } = operator;
    const epochKey = this.#random(32);
    const founder = secure.Identity.create(this.#random, NOW);
    const { head } = secure.createEpoch(operator, {
      epoch: 1,
      parent: undefined,
      epochKey,
      nowSeconds: NOW,
      random: this.#random,
      members: [{ entry: founder.newest, nameTag: new Uint8Array(8) }],
    });
    const keys = keysOf(swarmId, this.#random);
    const token = secure.issueToken(operator, {
      epochId: head.id,
      version: 1,
      publicKey: keys.publicKey,
      joinKey: keys.joinKey,
      uses: 10,
      made: NOW,
      notAfter: NOW + 1,
      note: '',
      host: '',
      state: 'open',
    });
    const stranger = (): secure.SwarmSecrets => ({
      swarmId,
      epoch: 0,
      joining: { ...keys, seed: keys.seed.slice() },
    });
    this.#secrets = {
      swarmId,
      operatorKey,
      operators: [],
      epochKey,
      epoch: 1,
      epochId: head.id,
      head: head.bytes,
    };
    const gate: secure.Gate = { token: () => token, seat: () => undefined };
    const host = (role: Role) =>
      new Host(`${seed}-${role}`, { random: this.#random, dice: this.#dice, stranger, gate });
    this.#hosts = { initiator: host('initiator'), responder: host('responder') };
  }

  /** @throws when the pair does not come back, or something is half-written */
  async next(): Promise<void> {
    const round = this.#round++;
    const { initiator, responder } = this.#hosts;
    if (round % 20 === 0) for (const host of [initiator, responder]) host.wipe();
    const admission = round % 2 === 0;
    responder.begin(this.#secrets);
    initiator.begin(admission ? undefined : this.#secrets);
    const victim: Role = this.#dice(2) === 0 ? 'initiator' : 'responder';
    const { disk } = this.#hosts[victim];
    const kind = `${admission} ${victim}`;
    // Now and then beyond the last step: a round that is whole, and may show that there are more.
    disk.loseAfter(this.#dice((this.#steps[kind] ?? 200) + 3));
    try {
      await this.#connect();
      this.#steps[kind] = Math.max(disk.steps, this.#steps[kind] ?? 0);
    } catch (error) {
      if (!disk.off) throw new Error(`round ${round}, ${kind}`, { cause: error });
      this.lost.once++;
      this.#restart(this.#hosts[victim]);
      await this.#connect();
    }
    this.#checkKept();
  }

  #restart(host: Host): void {
    for (;;) {
      host.disk.restore();
      if (this.#dice(5) === 0) host.disk.loseAfter(this.#dice(12));
      try {
        host.start();
        return host.disk.loseAfter(Infinity);
      } catch (error) {
        if (!host.disk.off) throw error;
        this.lost.again++;
      }
    }
  }

  /** What both have once they talked is there when the power goes for both at this moment. */
  #checkKept(): void {
    for (const host of Object.values(this.#hosts)) {
      const peer = Object.values(this.#hosts).find((other) => other !== host)!;
      host.disk.restore();
      host.start();
      assert.deepEqual(plain(host.secrets), plain(this.#secrets));
      assert.ok(host.keyBook.head(peer.identity.nodeId), 'the peer is pinned');
    }
  }

  async #connect(): Promise<void> {
    const { initiator: i, responder: r } = this.#hosts;
    const pake = this.#pake();
    const [first, talkers] = await begin(i.options(), r.options(), pake);
    const sessions = new Map<Host, secure.Session>();
    let message: Uint8Array | undefined = first;
    for (let turn = 0; message !== undefined; turn++) {
      const [from, to] = turn % 2 === 0 ? [i, r] : [r, i];
      from.says();
      to.disk.step();
      const step: secure.HandshakeStep = await talkers[turn % 2]!.handle(message);
      message = step.send;
      // The other end may be through with its part while this one still writes.
      if (step.done !== undefined) {
        await to.keep(step.done);
        sessions.set(to, step.done.session);
      }
    }
    const [a, b] = [sessions.get(i)!, sessions.get(r)!];
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const text = this.#random(20);
      assert.deepEqual(to.open(from.seal(text)), text);
    }
  }

  #pake(): secure.PakeFactory {
    if (this.#round % REAL_PAKE_EVERY === 1) return (options) => new secure.JpakeGuard(options);
    return (options) => new SimulatedPake(options, this.#random);
  }
}

class Host {
  readonly disk: SimulatedDisk;
  readonly #random: (n: number) => Uint8Array;
  readonly #state: StateFolder;
  /** The id that a peer has seen: not to change any more. */
  #shown: string | undefined;
  identity!: secure.Identity;
  keyBook!: secure.KeyBook;
  secrets!: secure.SwarmSecrets;
  readonly #stranger: () => secure.SwarmSecrets;
  readonly #gate: secure.Gate;
  #bootId!: Uint8Array;

  constructor(
    name: string,
    around: {
      readonly random: (n: number) => Uint8Array;
      readonly dice: Dice;
      readonly stranger: () => secure.SwarmSecrets;
      readonly gate: secure.Gate;
    },
  ) {
    this.disk = new SimulatedDisk(name, around.dice);
    this.#random = around.random;
    this.#stranger = around.stranger;
    this.#gate = around.gate;
    this.#state = StateFolder.existing(this.disk.path);
  }

  /** An empty disk: a new host. */
  wipe(): void {
    for (const name of this.disk.names()) this.disk.remove(name);
    this.disk.syncFolder();
    this.#shown = undefined;
  }

  /** With these secrets on the disk, or with none: a token is in memory only. */
  begin(secrets: secure.SwarmSecrets | undefined): void {
    if (secrets === undefined) this.#state.remove('swarm.json');
    else writeSecrets(this.#state, secrets);
    this.start();
  }

  /** As an agent does. @throws when a file is neither absent nor whole */
  start(): void {
    this.#state.removeLeftovers();
    const identity = this.#state.read('identity.key');
    this.identity =
      identity === undefined
        ? secure.Identity.create(this.#random, NOW)
        : secure.Identity.parse(identity);
    if (identity === undefined) this.#state.writeSync('identity.key', this.identity.toBytes());
    if (this.#shown !== undefined) assert.equal(this.identity.nodeId, this.#shown);
    this.secrets = readSecrets(this.#state) ?? this.#stranger();
    const book = this.#state.read('key-book.bin');
    const { entries } = this.identity;
    this.keyBook =
      book === undefined ? new secure.KeyBook(entries) : secure.KeyBook.parse(book, entries);
    this.#bootId = this.#random(16);
  }

  options() {
    const { identity, secrets, keyBook } = this;
    const shown = { bootId: this.#bootId, random: this.#random, gate: this.#gate };
    return { identity, secrets, keyBook, ...shown };
  }

  /** A message leaves this host. */
  says(): void {
    this.disk.step();
    this.#shown = this.identity.nodeId;
  }

  /** What a finished handshake gave is on the disk before it is used. */
  async keep({ admitted, peer }: secure.HandshakeDone): Promise<void> {
    if (admitted !== undefined) {
      const secrets = secure.admittedSecrets(this.secrets, admitted, NOW);
      await saveSecrets(this.#state, secrets);
      this.secrets = secrets;
    }
    if (this.keyBook.judge([peer.entry.bytes]).kind === 'same') return;
    await this.#state.write('key-book.bin', this.keyBook.toBytes());
  }
}

function keysOf(swarmId: Uint8Array, random: (n: number) => Uint8Array): secure.TokenKeys {
  const seed = random(32);
  const { publicKey } = new secure.SigningKey(seed);
  return { joinKey: random(32), seed, publicKey, tag: secure.tokenTag(swarmId, publicKey) };
}

type Options = ReturnType<Host['options']>;
interface Talker {
  handle(message: Uint8Array): secure.HandshakeStep | Promise<secure.HandshakeStep>;
}

/** The initiator's first message, then who handles it and who handles what comes back. */
async function begin(
  initiator: Options,
  responder: Options,
  createPake: secure.PakeFactory,
): Promise<[Uint8Array, [Talker, Talker]]> {
  if (initiator.secrets.epochKey === undefined) {
    const i = new secure.Admission({ ...initiator, role: 'initiator', createPake });
    const r = new secure.Admission({ ...responder, role: 'responder', createPake });
    return [await i.start(), [r, i]];
  }
  const i = new secure.MemberHandshake({ ...initiator, role: 'initiator' });
  const r = new secure.MemberHandshake({ ...responder, role: 'responder' });
  return [i.start(), [r, i]];
}

/** The shapes and the outcome of J-PAKE, without its secrecy: it is the disks that are tested. */
class SimulatedPake implements secure.Pake {
  readonly #options: secure.PakeOptions;
  readonly #random: (n: number) => Uint8Array;
  #heard: Uint8Array[] = [];

  constructor(options: secure.PakeOptions, random: (n: number) => Uint8Array) {
    this.#options = options;
    this.#random = random;
  }

  async round1(): Promise<Uint8Array> {
    const { role, selfId } = this.#options;
    const rest = this.#random(secure.ROUND1_BYTES - 33);
    const own = concat(Uint8Array.of(role === 'initiator' ? 1 : 2), selfId, rest);
    this.#heard.push(own);
    return own;
  }

  async round2(peerRound1: Uint8Array): Promise<Uint8Array> {
    this.#heard.push(peerRound1);
    return this.#random(secure.ROUND2_BYTES);
  }

  async finish(): Promise<Uint8Array> {
    return this.#hash('tag');
  }

  async confirm(peerTag: Uint8Array): Promise<Uint8Array> {
    assert.equal(toHex(peerTag), toHex(this.#hash('tag')));
    return this.#hash('key');
  }

  #hash(label: string): Uint8Array {
    const heard = this.#heard.map(toHex).sort().join();
    const hash = createHash('sha256').update(label).update(heard).update(this.#options.joinKey);
    return new Uint8Array(hash.digest());
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) =>
      key === 'admission' ? undefined : part instanceof Uint8Array ? toHex(part) : part,
    ),
  );
}
