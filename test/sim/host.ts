/** One simulated host: the production core, a disk that survives crashes, and a driver. */
import { packRecords, restore, SwarmCore } from '../../src/swarm/index.ts';
import type {
  Account,
  Alarm,
  CoreEvent,
  CoreOptions,
  Effect,
  EffectResult,
  HostOutcome,
  IncomingRequest,
  KeptRecords,
  MemberView,
  Now,
  RequestSpec,
  RunOutcome,
  Tuning,
} from '../../src/swarm/index.ts';
import { concat, fromHex, PREFIX_BYTES, slotOf, toHex, utf8 } from '../../src/wire/index.ts';
import type { EpochHead, TokenRecord } from '../../src/secure/types.ts';
import {
  parseSimulatedEntry,
  simulatedAdmission,
  simulatedEpoch,
  simulatedHub,
  simulatedToken,
  simulatedCrypto,
  simulatedEntry,
} from './crypto.ts';
import type { Random } from './random.ts';
import type { World } from './world.ts';

/** What a request gave, as the asker saw it. */
export interface Asked {
  readonly id: string;
  readonly by: SimHost;
  readonly spec: RequestSpec;
  readonly startedAt: number;
  readonly answers: { outcome: HostOutcome; payload: Uint8Array; unexpected: boolean }[];
  account: Account | undefined;
  endedAt: number | undefined;
  /** Names of the hosts that an account must have. */
  readonly expected: readonly string[];
}

export type Runner = (request: IncomingRequest) => { outcome: RunOutcome; afterMs: number };

export class SimHost {
  readonly name: string;
  readonly address: string;
  /** Names of it that it does not show, as a name service may have them. */
  readonly aliases: string[] = [];
  readonly world: World;
  readonly random: Random;
  readonly signKey: Uint8Array;
  readonly nodeId: string;
  readonly disk = new Map<string, Uint8Array>();
  /** Keys that the disk refuses to keep. */
  readonly failsToKeep = new Set<string>();
  /** Wall clock against true time, milliseconds. */
  skewMs = 0;
  /** The EPOCH that its secrets name, kept as the driver keeps it. */
  head: EpochHead = FIRST_EPOCH.head;
  /** Of keys of a real operator, in worlds that have one; kept as the secrets are. */
  statements: readonly Uint8Array[] = [];
  /** EPOCHs whose keys it has kept. */
  readonly previous: EpochHead[] = [];
  /** What it joined by. */
  admittedBy: TokenRecord = FIRST_TOKEN;
  seeds: readonly string[] = [];
  /** What it says of itself from its next start on. */
  hub = false;
  /** As a hub, by the operator. */
  certified = true;
  tuning: Partial<Tuning>;
  /** Undefined while the host is down. */
  core: SwarmCore | undefined;
  bootId: Uint8Array = new Uint8Array(16);
  readonly asked = new Map<string, Asked>();
  readonly alarms: Alarm[] = [];
  /** `name, seat of uses`, in the order in which it was told. */
  readonly joined: string[] = [];
  readonly memberEvents: { member: MemberView; at: number }[] = [];
  /** Every run effect, with the boot it came in. */
  readonly runs: { request: IncomingRequest; boot: string; at: number }[] = [];
  readonly cancels: number[] = [];
  readonly freezes: { readonly from: number; readonly until: number }[] = [];
  runner: Runner;
  /** The process is stopped: it hears nothing until it wakes. */
  #frozenUntil = 0;
  #wakeAt = Infinity;
  #life = 0;

  constructor(world: World, name: string, random: Random, tuning: Partial<Tuning>) {
    this.world = world;
    this.name = name;
    this.address = `${name}:7000`;
    this.random = random;
    this.signKey = random.bytes(32);
    this.nodeId = simulatedEntry(this.signKey).nodeId;
    this.tuning = tuning;
    this.runner = () => ({
      outcome: okOutcome(utf8(this.name)),
      afterMs: this.random.between(1, 30),
    });
  }

  get admission(): Uint8Array {
    return simulatedAdmission(SWARM_ID, this.admittedBy, this.nodeId);
  }

  /** All at which it can be dialled. */
  get addresses(): readonly string[] {
    return [this.address, ...this.aliases];
  }

  get frozen(): boolean {
    return this.#frozenUntil > this.world.now;
  }

  get up(): boolean {
    return this.core !== undefined;
  }

  get now(): Now {
    return { mono: this.world.now, wall: EPOCH_MS + this.world.now + this.skewMs };
  }

  /** Counts starts: what belongs to an earlier life must not touch this one. */
  get life(): number {
    return this.#life;
  }

  start(): void {
    if (this.core !== undefined) return;
    this.#life++;
    this.bootId = this.random.bytes(16);
    this.core = new SwarmCore(this.#options());
    this.world.note(`${this.name} up`);
    this.do(() => this.core!.handleTimeout(this.now));
    if (!this.hub || !this.certified) return;
    const records = [simulatedHub(this.nodeId)];
    this.do(() => this.core!.install(this.now, { records, parts: [] }));
  }

  /** Power off: what was not on disk is gone, peers see resets. */
  crash(silent = false): void {
    if (this.core === undefined) return;
    this.core = undefined;
    this.#wakeAt = Infinity;
    this.world.note(`${this.name} down`);
    this.world.network.dropHost(this, silent);
  }

  /** Leaves the swarm, then stops. */
  leave(): void {
    this.do(() => this.core!.leave(this.now));
    this.world.after(50, () => this.crash());
  }

  /** An event loop that lags: nothing is heard or said meanwhile. */
  freeze(ms: number): void {
    this.#frozenUntil = this.world.now + ms;
    this.freezes.push({ from: this.world.now, until: this.#frozenUntil });
  }

  /** The host must be up and not frozen. */
  ask(spec: Partial<RequestSpec> = {}): Asked {
    const whole: RequestSpec = {
      kind: 'query',
      body: utf8('select 1'),
      targets: { kind: 'all' },
      timeoutMs: 10_000,
      ...spec,
    };
    let asked: Asked | undefined;
    const expected = this.#expected(whole);
    this.do(() => {
      const id = this.core!.startRequest(this.now, whole);
      asked = {
        id,
        by: this,
        spec: whole,
        startedAt: this.world.now,
        answers: [],
        account: undefined,
        endedAt: undefined,
        expected,
      };
      this.asked.set(id, asked);
    });
    return asked!;
  }

  /** Alarms whose end has not come, as an agent keeps them over restarts. */
  openAlarms(): readonly Alarm[] {
    const open = new Map<string, Alarm>();
    for (const alarm of this.alarms) {
      if (alarm.over === true) open.delete(`${alarm.kind} ${alarm.key}`);
      else open.set(`${alarm.kind} ${alarm.key}`, alarm);
    }
    return [...open.values()];
  }

  members(): readonly MemberView[] {
    return this.core?.members() ?? [];
  }

  /** What must be the same text at every host when all is quiet. */
  table(): string {
    return this.members()
      .map((member) => `${member.nodeId} ${member.incarnation} ${member.state}`)
      .sort()
      .join('\n');
  }

  /** State of another host in this one's table. */
  sees(other: SimHost): string | undefined {
    return this.members().find((member) => member.nodeId === other.nodeId)?.state;
  }

  /** Calls into the core and does what comes of it; later when the process is frozen. */
  do(call: () => void): void {
    const life = this.#life;
    const wait = this.#frozenUntil - this.world.now;
    if (wait > 0) {
      return this.world.after(wait, () => {
        if (this.core !== undefined && this.#life === life) this.do(call);
      });
    }
    if (this.core === undefined) return;
    call();
    this.#drain();
  }

  #drain(): void {
    const core = this.core!;
    for (let event = core.pollEvent(); event; event = core.pollEvent()) this.#handleEvent(event);
    // As the real driver does: an effect may close the link that a last message is for.
    for (let send = core.pollSend(); send; send = core.pollSend()) {
      this.world.network.send(this, send.link, send.message);
    }
    for (let effect = core.pollEffect(); effect; effect = core.pollEffect()) this.#perform(effect);
    this.#plan();
  }

  #plan(): void {
    const next = this.core?.nextTimeout();
    if (next === undefined || next >= this.#wakeAt) return;
    const life = this.#life;
    const at = Math.max(next, this.world.now, this.#frozenUntil);
    this.#wakeAt = at;
    this.world.at(at, () => {
      // A wake that an earlier one overtook has nothing left to do.
      if (this.#life !== life || this.core === undefined || this.#wakeAt !== at) return;
      this.#wakeAt = Infinity;
      this.do(() => this.core!.handleTimeout(this.now));
      this.#plan();
    });
  }

  #perform(effect: Effect): void {
    const life = this.#life;
    const done = (afterMs: number, result: EffectResult): void =>
      this.world.after(afterMs, () => {
        if (this.#life !== life) return;
        this.do(() =>
          this.core!.handleEffectDone(
            this.now,
            effect.kind === 'close' || effect.kind === 'hold' ? 0 : effect.id,
            result,
          ),
        );
      });
    switch (effect.kind) {
      case 'persist':
        return this.#persist(effect.key, effect.bytes, life, done);
      case 'dial':
        return this.world.network.dial(this, effect.address, effect.nodeId, (ok) =>
          done(0, { kind: 'dial', ok }),
        );
      case 'run':
        return this.#run(effect.request, done);
      case 'cancel':
        this.cancels.push(effect.runId);
        return;
      case 'hold':
        return this.world.network.hold(this, effect.link, effect.ms);
      case 'close':
        return this.world.network.close(this, effect.link, effect.reason);
    }
  }

  #persist(
    key: string,
    bytes: Uint8Array,
    life: number,
    done: (afterMs: number, result: EffectResult) => void,
  ): void {
    const takes = this.random.between(1, 8);
    if (this.failsToKeep.has(key)) return done(takes, { kind: 'persist', ok: false });
    this.world.after(takes, () => {
      if (this.#life === life && this.core !== undefined) this.disk.set(key, bytes);
    });
    done(takes, { kind: 'persist', ok: true });
  }

  #run(request: IncomingRequest, done: (afterMs: number, result: EffectResult) => void): void {
    this.runs.push({ request, boot: toHex(this.bootId), at: this.world.now });
    this.world.note(`${this.name} runs ${request.id}`);
    const { outcome, afterMs } = this.runner(request);
    if (afterMs < Infinity) done(afterMs, { kind: 'run', outcome });
  }

  #handleEvent(event: CoreEvent): void {
    if (event.kind === 'alarm') this.alarms.push(event.alarm);
    else if (event.kind === 'member') this.#noteMember(event.member);
    else if (event.kind === 'record') this.world.note(`${this.name} holds ${event.record.kind}`);
    else if (event.kind === 'operators') this.statements = event.statements;
    else if (event.kind === 'epoch') this.#enter(event.head, event.part);
    else if (event.kind === 'joined')
      this.joined.push(`${event.name}, ${event.seat} of ${event.uses}`);
    else if (event.kind === 'installed') this.world.note(`${this.name} installed ${event.ok}`);
    else {
      const asked = this.asked.get(event.requestId);
      if (asked === undefined) throw new Error(`event for unknown request ${event.requestId}`);
      if (event.kind === 'answer') {
        this.world.note(`${this.name} hears ${event.outcome.name} ${event.outcome.state}`);
        asked.answers.push(event);
      } else {
        this.world.note(`${this.name} account ${event.requestId}`);
        asked.account = event.account;
        asked.endedAt = this.world.now;
      }
    }
  }

  /** As the driver does: opens its slot, keeps the secrets, then uses them. */
  #enter(head: EpochHead, part: Uint8Array | undefined): void {
    const prefix = fromHex(this.nodeId).subarray(0, PREFIX_BYTES);
    if (part === undefined || slotOf(part, prefix) === undefined) {
      this.world.note(`${this.name} is left out of epoch ${head.number}`);
      return;
    }
    const life = this.#life;
    this.world.after(this.random.between(1, 8), () => {
      if (this.#life !== life || this.core === undefined || head.id <= this.head.id) return;
      this.previous.push(this.head);
      this.head = head;
      this.do(() => this.core!.setEpoch(this.now, head));
    });
  }

  #noteMember(member: MemberView): void {
    this.world.note(`${this.name} sees ${member.name} ${member.state} ${member.incarnation}`);
    this.memberEvents.push({ member, at: this.world.now });
    if (this.memberEvents.length > 20_000) this.memberEvents.splice(0, 10_000);
  }

  /** What an account must name, from the table as a person sees it. */
  #expected(spec: RequestSpec): string[] {
    const { targets } = spec;
    const members = this.members();
    if (targets.kind === 'all') {
      return members
        .filter((it) => it.state !== 'left')
        .map((it) => it.nodeId)
        .sort();
    }
    return [...new Set(targets.nodes)].sort();
  }

  #options(): CoreOptions {
    const entry = simulatedEntry(this.signKey);
    return {
      self: {
        nodeId: this.nodeId,
        entry,
        bootId: this.bootId,
        name: this.name,
        addresses: [this.address],
        labels: { role: 'sim' },
        version: '0.0.0',
        hub: this.hub,
        admission: this.admission,
      },
      swarmId: SWARM_ID,
      epoch: this.head.number,
      head: this.head,
      crypto: simulatedCrypto(this.signKey),
      parseEntry: parseSimulatedEntry,
      parseRecord: (bytes, operators) => this.world.parseRecord(bytes, operators),
      operators: () => this.world.operatorsOf(this.statements),
      random: (n) => this.random.bytes(n),
      seeds: this.seeds,
      tuning: this.tuning,
      alarms: this.openAlarms(),
      ...restore(withRecords(this.disk)),
    };
  }
}

export function okOutcome(payload: Uint8Array): RunOutcome {
  return { status: 'ok', rowCount: 1, truncated: false, tookMs: 1, payload: concat(payload) };
}

/** A host starts with what its joining gave it. */
function withRecords(disk: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> {
  return disk.has('records') ? disk : new Map([...disk, ['records', packRecords(FIRST_RECORDS)]]);
}

export const SWARM_ID = new Uint8Array(32).fill(7);
/** The roll is one host that is never there; all others come by the token. */
export const FIRST_EPOCH = simulatedEpoch(SWARM_ID, 1, ['11'.repeat(32)]);
export const FIRST_TOKEN = simulatedToken(FIRST_EPOCH.head.id, new Uint8Array(32).fill(9));
export const FIRST_RECORDS: KeptRecords = {
  records: [FIRST_EPOCH.head.bytes, FIRST_TOKEN.bytes],
  parts: [{ epoch: FIRST_EPOCH.head.id, number: 0, bytes: FIRST_EPOCH.parts[0]! }],
};
/** True wall time when the world begins. */
export const EPOCH_MS = Date.UTC(2026, 0, 1);
