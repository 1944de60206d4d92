/**
 * An Asker whose hosts do what a test says: real hosts cannot be told to be busy, to break off or to
 * hang. It keeps the contract of src/agent/types.ts; what it is asked is recorded.
 */
import type {
  AskEvent,
  Asker,
  AskSpec,
  CommandSpec,
  Description,
  HostAnswer,
  PinnedKey,
  RequestEvent,
  RequestSpec,
} from '../../src/agent/index.ts';
import type { AlarmKind } from '../../src/swarm/index.ts';
import type { Alarm, HostOutcome, HostState, MemberView } from '../../src/agent/index.ts';
import type { Value } from '../../src/tables/types.ts';
import { ScriptedSeals } from './audit/scripted-seals.ts';

export interface Scripted {
  readonly state: HostState;
  readonly code?: string;
  readonly message?: string;
  readonly columns?: readonly string[];
  readonly rows?: readonly (readonly Value[])[];
  readonly truncated?: boolean;
}

/** What a host does when asked the nth time (from 1). `hang` never answers. */
export type Behaviour = (
  host: string,
  sql: string,
  nth: number,
) => Scripted | 'hang' | Promise<Scripted | 'hang'>;

export class ScriptedAsker implements Asker {
  readonly nodeId: string;
  readonly name: string;
  readonly swarmId = new Uint8Array(32).fill(7);
  readonly asked: AskSpec[] = [];
  readonly commanded: CommandSpec[] = [];
  /** Names of members that it was told to forget. */
  readonly forgot: string[] = [];
  /** Actions that its certificate allows. */
  allowed: readonly string[] = [];
  behave: Behaviour = (host) => ({ state: 'ok', columns: ['name'], rows: [[host]] });
  /** What it finds of a text that is tracked or scheduled. */
  look: (sql: string) => Promise<Description> = () =>
    Promise.resolve({ columns: [{ name: 'name', type: 'TEXT' }], tables: [], sensitive: [] });
  /** The sensitive tables that every query reads. */
  sensitive: readonly string[] = [];
  /** Thrown by `ask` before anything is sent, while set. */
  refuse: Error | undefined;
  readonly seals = new ScriptedSeals(() => this.nodeId);
  /** Key lists by name of the host. */
  readonly keys = new Map<string, readonly PinnedKey[]>();
  readonly #members = new Map<string, MemberView>();
  readonly #memberListeners = new Set<(member: MemberView) => void>();
  readonly #alarmListeners = new Set<(alarm: Alarm) => void>();
  readonly #times = new Map<string, number>();

  constructor(names: readonly string[]) {
    for (const name of names) this.#members.set(name, member(name));
    this.name = names[0]!;
    this.nodeId = idOf(this.name);
  }

  members(): readonly MemberView[] {
    return [...this.#members.values()].filter((one) => !DEPARTED.has(one.state));
  }

  departed(): readonly MemberView[] {
    return [...this.#members.values()].filter((one) => DEPARTED.has(one.state));
  }

  forget(nodeId: string): boolean {
    const known = this.members().find((one) => one.nodeId === nodeId);
    if (known?.state !== 'dead' && known?.state !== 'left') return false;
    this.forgot.push(known.name);
    this.set(known.name, 'forgotten', { incarnation: known.incarnation });
    return true;
  }

  keyList(nodeId: string): readonly PinnedKey[] {
    const name = this.members().find((one) => one.nodeId === nodeId)?.name;
    return this.keys.get(name ?? '') ?? [];
  }

  /** Adds a member or changes its state, and tells the listeners. */
  set(name: string, state: MemberView['state'], change: Partial<MemberView> = {}): void {
    const before = this.#members.get(name) ?? member(name);
    const now = { ...before, state, incarnation: before.incarnation + 1, ...change };
    this.#members.set(name, now);
    for (const listener of this.#memberListeners) listener(now);
  }

  alarm(kind: AlarmKind, key: string, message: string): void {
    this.#tell({ kind, key, message, at: Date.now() });
  }

  /** The cause of an alarm has ended. */
  alarmOver(kind: AlarmKind, key: string): void {
    this.#tell({ kind, key, message: '', at: Date.now(), over: true });
  }

  #tell(alarm: Alarm): void {
    for (const listener of this.#alarmListeners) listener(alarm);
  }

  onMember(listener: (member: MemberView) => void): () => void {
    this.#memberListeners.add(listener);
    return () => this.#memberListeners.delete(listener);
  }

  onAlarm(listener: (alarm: Alarm) => void): () => void {
    this.#alarmListeners.add(listener);
    return () => this.#alarmListeners.delete(listener);
  }

  /** Shown for sensitive tables. */
  certificate: Uint8Array | undefined;

  certificateFor(tables: readonly string[]): Uint8Array | undefined {
    return tables.length === 0 ? undefined : this.certificate;
  }

  allowedActions(): readonly string[] {
    return this.allowed;
  }

  describe(sql: string): Promise<Description> {
    return this.look(sql);
  }

  async *ask(spec: AskSpec): AsyncIterable<AskEvent> {
    if (this.sensitive.length > 0) spec.onSensitive?.(this.sensitive);
    this.asked.push(spec);
    yield* this.#answers(spec.sql, ({ nodeId, state }) => {
      const { targets } = spec;
      return state !== 'left' && (targets.kind === 'all' || targets.nodes.includes(nodeId));
    });
  }

  /** Hosts get the name of the action in the place of SQL. */
  async *command(spec: CommandSpec): AsyncIterable<AskEvent> {
    this.commanded.push(spec);
    yield* this.#answers(spec.action, ({ nodeId }) => spec.ids.has(nodeId));
  }

  async *#answers(
    what: string,
    isWanted: (member: MemberView) => boolean,
  ): AsyncGenerator<AskEvent> {
    if (this.refuse !== undefined) throw this.refuse;
    const wanted = this.members().filter(isWanted);
    const hosts: HostOutcome[] = [];
    for await (const answer of inOrderOfArrival(wanted.map((host) => this.#answer(host, what)))) {
      hosts.push(answer.outcome);
      yield { kind: 'answer', answer };
    }
    yield { kind: 'account', account: { requestId: '0'.repeat(32), hosts, unexpected: [] } };
  }

  /** Its hosts know queries and actions only. */
  request({ kind }: RequestSpec): AsyncIterable<RequestEvent> {
    throw new Error(`scripted hosts are asked queries only, not ${kind}`);
  }

  async #answer({ name, nodeId, state }: MemberView, what: string): Promise<HostAnswer> {
    const key = `${name} ${what}`;
    const nth = (this.#times.get(key) ?? 0) + 1;
    this.#times.set(key, nth);
    const said =
      state === 'dead' ? ({ state: 'unreachable' } as const) : await this.behave(name, what, nth);
    if (said === 'hang') return new Promise(() => undefined);
    const { columns = [], rows = [], truncated = false, ...rest } = said;
    return {
      outcome: { nodeId, name, rowCount: rows.length, truncated, tookMs: 1.6, ...rest },
      columns,
      rows,
      warnings: [],
      proof: new Uint8Array([1, 2, 255]),
    };
  }
}

const DEPARTED = new Set<string>(['forgotten', 'expelled']);

/** A node id made of a name. */
export function idOf(name: string): string {
  return Buffer.from(name).toString('hex').padStart(64, '0');
}

function member(name: string): MemberView {
  return {
    nodeId: idOf(name),
    name,
    addresses: [`127.0.0.1:${7000 + (name.charCodeAt(name.length - 1) % 100)}`],
    labels: { role: 'test' },
    version: '0.0.0',
    hub: name.startsWith('hub'),
    state: 'alive',
    incarnation: 1,
    since: 1_700_000_000_000,
    self: false,
    linked: true,
    named: false,
    admitted: true,
    entry: undefined as never,
  };
}

async function* inOrderOfArrival<T>(promises: readonly Promise<T>[]): AsyncGenerator<T> {
  const waiting = new Map(
    promises.map((promise, at) => [at, promise.then((value) => ({ at, value }))]),
  );
  while (waiting.size > 0) {
    const { at, value } = await Promise.race(waiting.values());
    waiting.delete(at);
    yield value;
  }
}
