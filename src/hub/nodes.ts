/**
 * Keeps swarmplane.node and node_key true: changes at once in small batches, the whole table now and
 * then. And the other way round: whom people have forgotten or retired there, the swarm forgets.
 */
import type { Asker, MemberView, PinnedKey } from '../agent/index.ts';
import { messageOf } from './errors.ts';
import { toJson } from './json-text.ts';
import type { Log } from './log.ts';
import type { Queue } from './queue.ts';

const GATHER_MS = 30;
const BATCH = 1_000;
/** What people decided is looked for at most this often. */
const LOOK_MS = 500;

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
  /** The newest entry of each node's list that was written by this process. */
  readonly #keysWritten = new Map<string, Uint8Array>();
  #unsubscribe: (() => void) | undefined;
  #gather: NodeJS.Timeout | undefined;
  #full: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #look: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
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
    await this.#write(this.#everybody());
  }

  /** The database has news, maybe of hosts that people have taken out. Cheap to call often. */
  wake(): void {
    if (this.#stopped) return;
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      if (this.#looking === undefined) this.#looking = this.#forgetDeparted();
      else this.wake();
    }, LOOK_MS);
  }

  /** After a reconnect: what changed meanwhile may have been missed. */
  reportAll(): void {
    for (const member of this.#everybody()) this.#changed.set(member.nodeId, member);
    this.#flush();
    this.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    clearTimeout(this.#gather);
    clearInterval(this.#full);
    clearTimeout(this.#look);
    await Promise.all([this.#writing, this.#looking]);
  }

  #everybody(): MemberView[] {
    const { asker } = this.#options;
    return [...asker.members(), ...asker.departed()];
  }

  /** One that has shown itself since is left alone, and so is one that is there. Never rejects. */
  async #forgetDeparted(): Promise<void> {
    const { asker, queue, log } = this.#options;
    try {
      const meant = new Map((await queue.departed()).map((one) => [one.identity, one.incarnation]));
      if (this.#stopped || meant.size === 0) return;
      for (const { nodeId, name, incarnation } of asker.members()) {
        const until = meant.get(nodeId);
        if (until === undefined || (until !== null && incarnation > until)) continue;
        if (asker.forget(nodeId))
          log.info({ node: nodeId, name }, 'forgotten in the swarm, as in the database');
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'could not look for hosts that were taken out');
    } finally {
      this.#looking = undefined;
    }
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
    await this.#writeKeys(members);
  }

  /** Lists that grew, or were exchanged for another. */
  async #writeKeys(members: readonly MemberView[]): Promise<void> {
    const { asker, queue } = this.#options;
    const lists = members.flatMap(({ nodeId }) => {
      const list = asker.keyList(nodeId);
      const newest = list.at(-1)?.bytes;
      const before = this.#keysWritten.get(nodeId);
      if (newest === undefined || (before && Buffer.compare(newest, before) === 0)) return [];
      return [{ nodeId, list, newest }];
    });
    const rows = lists.flatMap(({ nodeId, list }) => list.map((entry) => keyRow(nodeId, entry)));
    for (let at = 0; at < rows.length; at += BATCH)
      await queue.reportKeys(toJson(rows.slice(at, at + BATCH)));
    for (const { nodeId, newest } of lists) this.#keysWritten.set(nodeId, newest);
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

function keyRow(identity: string, entry: PinnedKey): object {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const { version, time, signKey, boxKey, bytes } = entry;
  return {
    ...{ identity, version, time, entry: hex(bytes) },
    ...{ sign_key: hex(signKey), box_key: hex(boxKey) },
  };
}
