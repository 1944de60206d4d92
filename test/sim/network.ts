/**
 * The simulated network: connections as TCP gives them, in order and whole until a reset takes
 * what was in flight. Across a partition nothing arrives and nothing is refused; what was sent
 * waits, as retransmissions would, and dials time out.
 */
import { fromHex, partNumberOf, PREFIX_BYTES } from '../../src/wire/index.ts';
import { simulatedEntry } from './crypto.ts';
import type { SimHost } from './host.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

export interface NetworkKnobs {
  /** One way, milliseconds. */
  delayMinMs: number;
  delayMaxMs: number;
  /** Chance that sending a message resets its connection instead. */
  reset: number;
  /** Chance that a dial fails. */
  dialLoss: number;
  /** Chance that a message is delivered twice. */
  duplicate: number;
}

export const CALM: NetworkKnobs = {
  delayMinMs: 1,
  delayMaxMs: 20,
  reset: 0,
  dialLoss: 0,
  duplicate: 0,
};

const CONNECT_TIMEOUT_MS = 3_000;

interface Side {
  readonly host: SimHost;
  readonly life: number;
  readonly link: number;
  /** Messages to this side arrive in order. */
  arrivesAt: number;
  /** The core at this side has been told of the link, and not of its end. */
  told: boolean;
}

interface Connection {
  readonly sides: readonly [Side, Side];
  open: boolean;
}

export class Network {
  knobs: NetworkKnobs = { ...CALM };
  #world: World;
  #random: Random;
  #links = new Map<string, Connection>();
  #linkId = 0;
  /** Hosts of different groups do not reach each other. */
  #groups = new Map<SimHost, number>();
  /** What waits for the partition to end. */
  #held: (() => void)[] = [];
  messages = 0;
  bytes = 0;
  /** Dials by address alone, whoever may stand there. */
  readonly recontacts = new Map<string, number>();
  /** May change or drop (undefined) what a host sends: a hostile relay. */
  tamper: ((from: SimHost, message: Uint8Array, to: SimHost) => Uint8Array | undefined) | undefined;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
  }

  partition(...groups: readonly (readonly SimHost[])[]): void {
    this.#groups.clear();
    groups.forEach((hosts, i) => hosts.forEach((host) => this.#groups.set(host, i)));
  }

  heal(): void {
    this.#groups.clear();
    const held = this.#held;
    this.#held = [];
    for (const deliver of held) deliver();
  }

  reaches(a: SimHost, b: SimHost): boolean {
    return (this.#groups.get(a) ?? 0) === (this.#groups.get(b) ?? 0);
  }

  dial(
    from: SimHost,
    address: string,
    nodeId: string | undefined,
    done: (ok: boolean) => void,
  ): void {
    if (nodeId === undefined) this.recontacts.set(address, (this.recontacts.get(address) ?? 0) + 1);
    const to = this.#world.hosts.find((host) => host.addresses.includes(address));
    if (to === undefined || !this.reaches(from, to)) {
      return this.#world.after(CONNECT_TIMEOUT_MS, () => done(false));
    }
    const life = from.life;
    this.#world.after(4 * this.#delay(), () => {
      if (from.life !== life || !from.up) return;
      const wrong = nodeId !== undefined && to.nodeId !== nodeId;
      const ok =
        to.up && this.reaches(from, to) && !wrong && !this.#random.hits(this.knobs.dialLoss);
      if (ok && from.head.id !== to.head.id) {
        this.#showEpochs(from, to);
        return done(false);
      }
      if (ok) this.#connect(from, to, address);
      done(ok);
    });
  }

  /** In different epochs there is no session; who is behind is caught up where both share a key. */
  #showEpochs(a: SimHost, b: SimHost): void {
    const [low, high] = a.head.id < b.head.id ? [a, b] : [b, a];
    const keys = (host: SimHost) => [host.head, ...host.previous].map(({ id }) => id);
    if (!keys(low).some((id) => keys(high).includes(id))) return;
    const { head } = high;
    const firsts = head.parts.map(({ first }) => first);
    const number = partNumberOf(firsts, fromHex(low.nodeId).subarray(0, PREFIX_BYTES));
    const bytes = number === undefined ? undefined : high.core!.part(number);
    if (number !== undefined && bytes === undefined) return;
    const part = bytes && { number: number!, bytes };
    low.do(() => low.core!.catchUp(low.now, { head, operators: [], ...(part && { part }) }));
  }

  send(from: SimHost, link: number, message: Uint8Array): void {
    const connection = this.#links.get(linkKey(from, link));
    if (connection === undefined || !connection.open) return;
    if (this.#random.hits(this.knobs.reset)) return this.#reset(connection);
    const to = this.#sidesOf(connection, from)[1].host;
    const sent = this.tamper === undefined ? message : this.tamper(from, message, to);
    if (sent === undefined) return;
    this.#carry(connection, from, sent);
    if (this.#random.hits(this.knobs.duplicate)) this.#carry(connection, from, sent);
  }

  /** A side reads nothing for a while; what is on its way to it waits. */
  hold(host: SimHost, link: number, ms: number): void {
    const connection = this.#links.get(linkKey(host, link));
    if (connection === undefined) return;
    const [mine] = this.#sidesOf(connection, host);
    mine.arrivesAt = Math.max(mine.arrivesAt, this.#world.now + ms);
  }

  /** Whether the other side reads nothing for a while: who sends on finds its buffers full. */
  isHeld(from: SimHost, link: number): boolean {
    const connection = this.#links.get(linkKey(from, link));
    if (connection === undefined) return false;
    const [, theirs] = this.#sidesOf(connection, from);
    return theirs.arrivesAt > this.#world.now + this.knobs.delayMaxMs;
  }

  /** Closed by one side; what it sent before still arrives. */
  close(from: SimHost, link: number, reason: string): void {
    const connection = this.#links.get(linkKey(from, link));
    if (connection === undefined) return;
    const [mine, theirs] = this.#sidesOf(connection, from);
    mine.told = false;
    this.#world.note(`${from.name} closes ${theirs.host.name}: ${reason}`);
    this.#arrive(connection, mine, theirs, () =>
      this.#tellDown(connection, theirs, 'closed by peer'),
    );
  }

  /** A host went down: by reset, or silently (power, cable). */
  dropHost(host: SimHost, silent: boolean): void {
    for (const connection of [...this.#links.values()]) {
      if (!connection.sides.some((side) => side.host === host)) continue;
      if (silent) connection.open = false;
      else this.#reset(connection);
    }
  }

  /** Resets a share of all connections at once. */
  resetSome(share: number): void {
    for (const connection of new Set(this.#links.values())) {
      if (this.#random.hits(share)) this.#reset(connection);
    }
  }

  /** Resets what is between two hosts. */
  resetBetween(a: SimHost, b: SimHost): void {
    for (const connection of new Set(this.#links.values())) {
      const ends = connection.sides.map((side) => side.host);
      if (ends.includes(a) && ends.includes(b)) this.#reset(connection);
    }
  }

  #connect(from: SimHost, to: SimHost, address: string): void {
    const side = (host: SimHost): Side => ({
      host,
      life: host.life,
      link: ++this.#linkId,
      arrivesAt: 0,
      told: false,
    });
    const [a, b] = [side(from), side(to)];
    const connection: Connection = { sides: [a, b], open: true };
    this.#links.set(linkKey(a.host, a.link), connection);
    this.#links.set(linkKey(b.host, b.link), connection);
    // Planned first: what the initiator says when it is told must find the other side told.
    this.#arrive(connection, a, b, () => this.#tellUp(b, a.host, undefined));
    this.#tellUp(a, b.host, address);
  }

  /** `dialled`: where its initiator found the other side. */
  #tellUp(side: Side, peer: SimHost, dialled: string | undefined): void {
    side.told = true;
    const identity = {
      nodeId: peer.nodeId,
      bootId: peer.bootId,
      entry: simulatedEntry(peer.signKey),
      admission: peer.admission,
    };
    const info =
      dialled === undefined ? { initiator: false } : { initiator: true, address: dialled };
    side.host.do(() => side.host.core!.handleLinkUp(side.host.now, side.link, identity, info));
  }

  #tellDown(connection: Connection, side: Side, reason: string): void {
    connection.open = false;
    for (const each of connection.sides) this.#links.delete(linkKey(each.host, each.link));
    if (!side.told || !this.#lives(side)) return;
    side.told = false;
    side.host.do(() => side.host.core!.handleLinkDown(side.host.now, side.link, reason));
  }

  #reset(connection: Connection): void {
    connection.open = false;
    for (const side of connection.sides) {
      this.#world.after(this.#delay(), () => this.#tellDown(connection, side, 'reset'));
    }
  }

  #carry(connection: Connection, from: SimHost, message: Uint8Array): void {
    const [mine, theirs] = this.#sidesOf(connection, from);
    this.#arrive(connection, mine, theirs, () => {
      this.messages++;
      this.bytes += message.length;
      if (!theirs.told) return;
      theirs.host.do(() => theirs.host.core!.handleMessage(theirs.host.now, theirs.link, message));
    });
  }

  /** Does `action` at the other side after a delay, in order, if the connection lasts. */
  #arrive(connection: Connection, from: Side, to: Side, action: () => void): void {
    to.arrivesAt = Math.max(to.arrivesAt, this.#world.now + this.#delay());
    const attempt = (): void => {
      if (!connection.open || !this.#lives(to)) return;
      if (this.reaches(from.host, to.host)) action();
      else this.#held.push(attempt);
    };
    this.#world.at(to.arrivesAt, attempt);
  }

  #lives(side: Side): boolean {
    return side.host.up && side.host.life === side.life;
  }

  #sidesOf(connection: Connection, from: SimHost): readonly [Side, Side] {
    const [a, b] = connection.sides;
    return a.host === from ? [a, b] : [b, a];
  }

  #delay(): number {
    return this.#random.between(this.knobs.delayMinMs, this.knobs.delayMaxMs);
  }
}

function linkKey(host: SimHost, link: number): string {
  return `${host.name} ${link}`;
}
