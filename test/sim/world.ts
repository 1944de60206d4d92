/** Clock, network and hosts under one seed, and a hash over everything that happened. */
import { createHash } from 'node:crypto';
import {
  operatorKeyId,
  OperatorSet,
  parseOperatorRecord,
  type OperatorRecord,
} from '../../src/secure/index.ts';
import type { Tuning } from '../../src/swarm/index.ts';
import { fromHex } from '../../src/wire/index.ts';
import { parseSimulatedRecord } from './crypto.ts';
import { SimHost } from './host.ts';
import type { Asked } from './host.ts';
import { Network } from './network.ts';
import type { NetworkKnobs } from './network.ts';
import { Random } from './random.ts';
import { Schedule } from './schedule.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly knobs?: Partial<NetworkKnobs>;
  readonly tuning?: Partial<Tuning>;
  /** Public key of a real operator, whose records hosts take beside the simulated ones. */
  readonly operatorKey?: Uint8Array;
}

export class World {
  readonly options: WorldOptions;
  readonly random: Random;
  readonly network: Network;
  readonly hosts: SimHost[] = [];
  #schedule = new Schedule();
  #trace = createHash('sha256');

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = new Random(options.seed);
    this.network = new Network(this, this.random.fork());
    Object.assign(this.network.knobs, options.knobs);
    for (let i = 0; i < options.nodes; i++) this.addHost();
  }

  get now(): number {
    return this.#schedule.now;
  }

  /** A host that knows the first one's address. It is not started. */
  addHost(): SimHost {
    const name = `h${this.hosts.length}`;
    const host = new SimHost(this, name, this.random.fork(), this.options.tuning ?? {});
    if (this.hosts.length > 0) host.seeds = [this.hosts[0]!.address];
    this.hosts.push(host);
    return host;
  }

  startAll(): void {
    for (const host of this.hosts) host.start();
  }

  /** Starts all and lets them find each other. */
  settle(ms = 5_000): this {
    this.startAll();
    this.run(ms);
    return this;
  }

  after(ms: number, action: () => void): void {
    this.#schedule.after(ms, action);
  }

  at(time: number, action: () => void): void {
    this.#schedule.at(time, action);
  }

  run(ms: number): void {
    this.#schedule.runUntil(this.now + ms);
  }

  /** Lets time pass until `condition` holds. @throws when it does not within `mostMs` */
  until(condition: () => boolean, mostMs = 120_000): void {
    const end = this.now + mostMs;
    if (condition()) return;
    this.#schedule.runUntil(end, condition);
    if (!condition())
      throw new Error(`did not happen within ${mostMs} ms (seed ${this.options.seed})`);
  }

  /** Until the account is there; its states by host name. */
  finish(asked: Asked): Record<string, string> {
    this.until(() => asked.account !== undefined);
    return Object.fromEntries(asked.account!.hosts.map((host) => [host.name, host.state]));
  }

  /** What a host with these statements knows of the operator's keys. */
  operatorsOf(statements: readonly Uint8Array[]): OperatorSet | undefined {
    const { operatorKey } = this.options;
    return operatorKey && OperatorSet.read(operatorKey, statements);
  }

  parseRecord(bytes: Uint8Array, operators: OperatorSet | undefined): OperatorRecord | undefined {
    const { operatorKey } = this.options;
    const simulated = parseSimulatedRecord(bytes);
    if (simulated !== undefined || !operatorKey || !operators) return simulated;
    const swarmId = fromHex(operatorKeyId(operators.founder));
    try {
      return parseOperatorRecord(bytes, { operatorKey, swarmId, operators });
    } catch {
      return undefined;
    }
  }

  /** Adds to what two runs of one seed must agree on. */
  note(what: string): void {
    this.#trace.update(`${this.now} ${what}\n`);
  }

  traceHash(): string {
    return this.#trace.copy().digest('hex');
  }

  get upHosts(): SimHost[] {
    return this.hosts.filter((host) => host.up);
  }
}
