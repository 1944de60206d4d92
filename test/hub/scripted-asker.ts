/**
 * An Asker whose hosts do what a test says: real hosts can not be told to be busy, to break off or to
 * hang. It keeps the contract of src/agent/types.ts; what it is asked is recorded.
 */
import type { AskEvent, Asker, AskSpec, HostAnswer, PinnedKey } from '../../src/agent/index.ts';
import type { AlarmKind } from '../../src/swarm/index.ts';
import type { Alarm, HostOutcome, HostState, MemberView } from '../../src/agent/index.ts';
import type { Value } from '../../src/tables/types.ts';

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
) => Scripted | 'hang' | Promise<Scripted>;

export class ScriptedAsker implements Asker {
  readonly nodeId: string;
  readonly name: string;
  readonly asked: AskSpec[] = [];
  behave: Behaviour = (host) => ({ state: 'ok', columns: ['name'], rows: [[host]] });
  /** Thrown by `ask` before anything is sent, while set. */
  refuse: Error | undefined;
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
    return [...this.#members.values()];
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

  async *ask(spec: AskSpec): AsyncIterable<AskEvent> {
    this.asked.push(spec);
    if (this.refuse !== undefined) throw this.refuse;
    const wanted = this.members().filter(
      ({ nodeId, state }) =>
        state !== 'left' && (spec.targets.kind === 'all' || spec.targets.nodes.includes(nodeId)),
    );
    const hosts: HostOutcome[] = [];
    for await (const answer of inOrderOfArrival(wanted.map((host) => this.#answer(host, spec)))) {
      hosts.push(answer.outcome);
      yield { kind: 'answer', answer };
    }
    yield { kind: 'account', account: { requestId: '0'.repeat(32), hosts, unexpected: [] } };
  }

  async #answer({ name, nodeId, state }: MemberView, spec: AskSpec): Promise<HostAnswer> {
    const key = `${name} ${spec.sql}`;
    const nth = (this.#times.get(key) ?? 0) + 1;
    this.#times.set(key, nth);
    const said =
      state === 'dead'
        ? ({ state: 'unreachable' } as const)
        : await this.behave(name, spec.sql, nth);
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
