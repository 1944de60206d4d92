/**
 * Real hosts, each a process of its own, all linked, and one hostile member, another process, with a
 * link to each of them.
 */
import { issueKeyStatement, issueRevocations, OperatorKey } from '../../src/secure/index.ts';
import type { RevocationList } from '../../src/secure/index.ts';
import type { Alarm } from '../../src/swarm/index.ts';
import { createSwarm, QUICK, random } from '../net/swarm-nodes.ts';
import type { TestSwarm } from '../net/swarm-nodes.ts';
import { toHex } from '../../src/wire/index.ts';
import { until } from '../helpers/eventually.ts';
import { Child } from './child.ts';

/** A busy machine is not what these tests are about. */
const TUNING = { ...QUICK, firstMessageMs: 30_000, handshakeMs: 60_000, linkDeadMs: 15_000 };
const PATIENT = { limitMs: 100_000, everyMs: 25 };

interface Seen {
  readonly nodeId: string;
  readonly name: string;
  readonly state: string;
  readonly linked: boolean;
}

interface Asked {
  readonly ms: number;
  readonly states: readonly string[];
}

export class Host {
  readonly name: string;
  readonly nodeId: string;
  readonly address: { readonly host: string; readonly port: number };
  readonly #child: Child;

  private constructor(
    name: string,
    { nodeId, address }: Pick<Host, 'nodeId' | 'address'>,
    child: Child,
  ) {
    this.name = name;
    this.nodeId = nodeId;
    this.address = address;
    this.#child = child;
  }

  /** `isMember`: else it has the token's words only, and is to join. */
  static async start(
    name: string,
    swarm: TestSwarm,
    seeds: readonly string[],
    isMember: boolean,
  ): Promise<Host> {
    const child = new Child('host.mjs', ['--expose-gc']);
    const { secrets, stranger, records, tokenKeys } = swarm;
    const member = { secrets, records, seed: tokenKeys.seed };
    const who = isMember ? member : { secrets: stranger };
    return new Host(name, await child.ask('start', { name, seeds, tuning: TUNING, ...who }), child);
  }

  /** `address`: of a member. */
  join(address: string): Promise<void> {
    return this.#child.ask('join', address);
  }

  members(): Promise<readonly Seen[]> {
    return this.#child.ask('members');
  }

  /** As `status --json` has them. */
  books(): Promise<Record<string, number>> {
    return this.#child.ask('books');
  }

  alarms(): Promise<readonly Alarm[]> {
    return this.#child.ask('alarms');
  }

  /** Bytes that are in use after garbage was collected. */
  heap(): Promise<number> {
    return this.#child.ask('heap');
  }

  /** How it ended for each of `hosts`, and after how long. */
  ask(hosts: readonly Host[]): Promise<Asked> {
    return this.#child.ask(
      'ask',
      hosts.map(({ nodeId }) => nodeId),
    );
  }

  install(records: readonly Uint8Array[]): Promise<void> {
    return this.#child.ask('install', { records, parts: [] });
  }

  /** Microseconds of processor time since it began. */
  async cpu(): Promise<number> {
    const { user, system } = await this.#child.ask<NodeJS.CpuUsage>('cpu');
    return user + system;
  }

  stop(): void {
    this.#child.stop();
  }
}

export class Fleet {
  readonly swarm: TestSwarm;
  readonly hosts: Host[];
  /** Undefined until it came. */
  #attacker: { readonly nodeId: string; readonly child: Child } | undefined;
  #lists: readonly RevocationList[] = [];
  /** A key of the operator that was added and revoked: the hostile member has it. */
  readonly #stolen: OperatorKey;
  readonly #statements: readonly Uint8Array[];

  private constructor(swarm: TestSwarm, hosts: Host[]) {
    this.swarm = swarm;
    this.hosts = hosts;
    const { operator, secrets } = swarm;
    this.#stolen = OperatorKey.create(random, secrets.swarmId);
    const about = { key: toHex(this.#stolen.publicKey), number: 1, made: 1, name: '', stay: [] };
    this.#statements = (['add', 'revoke'] as const).map(
      (verb) => issueKeyStatement(operator, { ...about, verb }).bytes,
    );
  }

  /** Nobody is hostile yet. */
  static async start(count: number): Promise<Fleet> {
    const swarm = await createSwarm(100);
    const first = await Host.start('n0', swarm, [], true);
    const seeds = [addressOf(first)];
    const rest = Array.from({ length: count - 1 }, (_, at) =>
      Host.start(`n${at + 1}`, swarm, seeds, true),
    );
    const fleet = new Fleet(swarm, [first, ...(await Promise.all(rest))]);
    await fleet.whole();
    await first.install(fleet.#statements);
    return fleet;
  }

  get hostile(): string {
    return this.#attacker!.nodeId;
  }

  /** All are linked, and have shown a prekey: until then a named host ends as `no_key`. */
  async whole(): Promise<void> {
    const isMeshed = async (host: Host): Promise<boolean> => {
      const seen = new Map((await host.members()).map((one) => [one.nodeId, one]));
      const sees = (other: Host): boolean =>
        seen.get(other.nodeId)?.state === 'alive' &&
        (other === host || seen.get(other.nodeId)!.linked);
      return this.hosts.every(sees);
    };
    await this.#all(isMeshed, 'a mesh');
    await this.#all(async (host) => (await host.ask(this.hosts)).states.every(isOk), 'answers');
  }

  /** One that joins with the token's words, by J-PAKE, at the first host. It stays. */
  async join(name: string): Promise<Host> {
    const [first] = this.hosts as [Host];
    const host = await Host.start(name, this.swarm, [], false);
    try {
      await host.join(addressOf(first));
    } catch (error) {
      host.stop();
      throw error;
    }
    this.hosts.push(host);
    return host;
  }

  /** A member that is admitted as all others are, linked to and known by each host. */
  async turnHostile(): Promise<void> {
    const child = new Child('attacker.ts', ['--import', 'tsx']);
    const { secrets, tokenKeys } = this.swarm;
    const hosts = this.hosts.map(({ nodeId, address }) => ({ nodeId, address }));
    const stolen = { words: this.#stolen.toWords(), statements: this.#statements };
    const start = { secrets, seed: tokenKeys.seed, hosts, ...stolen };
    const nodeId = await child.ask<string>('start', start);
    this.#attacker = { nodeId, child };
    const knows = async (host: Host): Promise<boolean> =>
      (await host.members()).some((one) => one.nodeId === nodeId && one.name === 'hostile');
    await this.#all(knows, 'the hostile member');
  }

  /** Attacks while `work` goes on. */
  async during<T>(attack: string, work: () => Promise<T>): Promise<T> {
    const { child } = this.#attacker!;
    await child.ask('attack', attack);
    try {
      return await work();
    } finally {
      await child.ask('end');
    }
  }

  /** The operator puts the hostile member out, at the first host. */
  async expel(): Promise<void> {
    const { nodeId, child } = this.#attacker!;
    const day = Math.floor(Date.now() / 86_400_000);
    const change = { expelled: [nodeId] };
    const list = issueRevocations(this.swarm.operator, this.#lists, change, { day, epoch: 1 });
    this.#lists = [list];
    await this.hosts[0]!.install([list.bytes]);
    child.stop();
  }

  /** Until each host says so. */
  async #all(holds: (host: Host) => Promise<boolean>, what: string): Promise<void> {
    await Promise.all(
      this.hosts.map((host) => until(() => holds(host), `${host.name}: ${what}`, PATIENT)),
    );
  }

  stop(): void {
    this.#attacker?.child.stop();
    for (const host of this.hosts) host.stop();
  }
}

function addressOf({ address: { host, port } }: Host): string {
  return `${host}:${port}`;
}

function isOk(state: string): boolean {
  return state === 'ok';
}
