/** Keeps swarmplane.node true: changes at once in small batches, the whole table now and then. */
import type { Asker, MemberView } from '../agent/index.ts';
import { messageOf } from './errors.ts';
import { toJson } from './json-text.ts';
import type { Log } from './log.ts';
import type { Queue } from './queue.ts';

const GATHER_MS = 30;
const BATCH = 1_000;

export interface NodeReporterOptions {
  readonly asker: Asker;
  readonly queue: Queue;
  readonly log: Log;
  /** How often the whole member table is compared. */
  readonly fullMs: number;
}

export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #changed = new Map<string, MemberView>();
  #unsubscribe: (() => void) | undefined;
  #gather: NodeJS.Timeout | undefined;
  #full: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #stopped = false;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
  }

  /** Writes the whole table once before it resolves. @throws what pg throws */
  async start(): Promise<void> {
    this.#unsubscribe ??= this.#options.asker.onMember((member) => {
      this.#changed.set(member.nodeId, member);
      this.#flushIn(GATHER_MS);
    });
    this.#full ??= setInterval(() => this.reportAll(), this.#options.fullMs);
    await this.#write(this.#options.asker.members());
  }

  /** After a reconnect: what changed meanwhile may have been missed. */
  reportAll(): void {
    for (const member of this.#options.asker.members()) this.#changed.set(member.nodeId, member);
    this.#flush();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    clearTimeout(this.#gather);
    clearInterval(this.#full);
    await this.#writing;
  }

  /** One write at a time; what could not be written waits for the next change or the next full report. */
  #flush(): void {
    clearTimeout(this.#gather);
    this.#gather = undefined;
    if (this.#writing !== undefined || this.#changed.size === 0) return;
    const members = [...this.#changed.values()];
    this.#changed.clear();
    this.#writing = this.#write(members)
      .then(() => undefined)
      .catch((error: unknown) => {
        this.#options.log.warn({ error: messageOf(error) }, 'could not write the state of nodes');
        for (const member of members)
          if (!this.#changed.has(member.nodeId)) this.#changed.set(member.nodeId, member);
        this.#flushIn(this.#options.fullMs / 10);
      })
      .finally(() => {
        this.#writing = undefined;
        if (this.#changed.size > 0) this.#flushIn(GATHER_MS);
      });
  }

  /** A write that fails while this stops must not keep the process alive. */
  #flushIn(ms: number): void {
    if (!this.#stopped) this.#gather ??= setTimeout(() => this.#flush(), ms);
  }

  async #write(members: readonly MemberView[]): Promise<void> {
    for (let at = 0; at < members.length; at += BATCH)
      await this.#options.queue.reportNodes(toJson(members.slice(at, at + BATCH).map(rowOf)));
  }
}

function rowOf(member: MemberView): object {
  return {
    identity: member.nodeId,
    name: member.name === '' ? member.nodeId : member.name,
    state: member.state,
    labels: member.labels,
    version: member.version,
    hub: member.hub,
    incarnation: member.incarnation,
    since: member.since,
    addresses: member.addresses,
  };
}
