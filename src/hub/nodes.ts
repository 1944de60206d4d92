/**
 * Keeps swarmplane.node and node_key true: changes at once in small batches, the whole table now and
 * then. And the other way round: whom people have forgotten or retired there, the swarm forgets.
 */
import type { Asker, MemberView, PinnedKey } from '../agent/index.ts';
import { messageOf } from './errors.ts';
import { toJson } from './database/json-text.ts';
import type { Log } from './log.ts';
import type { NodeStore } from './node-store.ts';
import { DEPARTED_MS } from './parts.ts';
import type { Pulse } from './pulse.ts';
import { WakeLoop } from './wake-loop.ts';

const GATHER_MS = 30;
const BATCH = 1_000;

export interface NodeReporterOptions {
  readonly asker: Asker;
  readonly store: NodeStore;
  readonly log: Log;
  /** How often the whole member table is compared. */
  readonly fullMs: number;
  readonly parts: { readonly nodes: Pulse; readonly departures: Pulse };
}

export class NodeReporter {
  readonly #options: NodeReporterOptions;
  readonly #changed = new Map<string, MemberView>();
  /** The newest entry of each node's list that was written by this process. */
  readonly #keysWritten = new Map<string, Uint8Array>();
  #unsubscribe: (() => void) | undefined;
  readonly #writes: WakeLoop;
  readonly #looks: WakeLoop;
  #full: NodeJS.Timeout | undefined;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    const { log, fullMs, parts } = options;
    this.#writes = new WakeLoop({
      work: () => this.#writeChanged(),
      failed: (error) =>
        log.warn({ error: messageOf(error) }, 'could not write the state of nodes'),
      gatherMs: GATHER_MS,
      retryMs: fullMs / 10,
      pulse: parts.nodes,
    });
    this.#looks = new WakeLoop({
      work: () => this.#forgetDeparted(),
      failed: (error) =>
        log.warn({ error: messageOf(error) }, 'could not look for hosts that were taken out'),
      gatherMs: DEPARTED_MS,
      pulse: parts.departures,
    });
  }

  /** Writes the whole table once before it resolves. @throws what pg throws */
  async start(): Promise<void> {
    this.#unsubscribe ??= this.#options.asker.onMember((member) => {
      this.#changed.set(member.nodeId, member);
      this.#writes.wake();
    });
    this.#full ??= setInterval(() => this.reportAll(), this.#options.fullMs);
    await this.#write(this.#everybody());
  }

  /** The database has news, maybe of hosts that people have taken out. Cheap to call often. */
  wake(): void {
    this.#looks.wake();
  }

  /** After a reconnect: what changed meanwhile may have been missed. */
  reportAll(): void {
    for (const member of this.#everybody()) this.#changed.set(member.nodeId, member);
    this.#writes.wakeNow();
    this.wake();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    clearInterval(this.#full);
    await Promise.all([this.#writes.stop(), this.#looks.stop()]);
  }

  #everybody(): MemberView[] {
    const { asker } = this.#options;
    return [...asker.members(), ...asker.departed()];
  }

  /** One that has shown itself since is left alone, and so is one that is there. */
  async #forgetDeparted(): Promise<undefined> {
    const { asker, store, log } = this.#options;
    const meant = new Map((await store.departed()).map((one) => [one.identity, one.incarnation]));
    if (this.#looks.stopped || meant.size === 0) return;
    for (const { nodeId, name, incarnation } of asker.members()) {
      const until = meant.get(nodeId);
      if (until === undefined || (until !== null && incarnation > until)) continue;
      if (asker.forget(nodeId))
        log.info({ node: nodeId, name }, 'forgotten in the swarm, as in the database');
    }
  }

  /** What could not be written waits for the next try, unless it has changed again. */
  async #writeChanged(): Promise<undefined> {
    const members = [...this.#changed.values()];
    this.#changed.clear();
    try {
      await this.#write(members);
    } catch (error) {
      for (const member of members)
        if (!this.#changed.has(member.nodeId)) this.#changed.set(member.nodeId, member);
      throw error;
    }
  }

  async #write(members: readonly MemberView[]): Promise<void> {
    for (let at = 0; at < members.length; at += BATCH)
      await this.#options.store.report(toJson(members.slice(at, at + BATCH).map(rowOf)));
    await this.#writeKeys(members);
  }

  /** Lists that grew, or were exchanged for another. */
  async #writeKeys(members: readonly MemberView[]): Promise<void> {
    const { asker, store } = this.#options;
    const lists = members.flatMap(({ nodeId }) => {
      const list = asker.keyList(nodeId);
      const newest = list.at(-1)?.bytes;
      const before = this.#keysWritten.get(nodeId);
      if (newest === undefined || (before && Buffer.compare(newest, before) === 0)) return [];
      return [{ nodeId, list, newest }];
    });
    const rows = lists.flatMap(({ nodeId, list }) => list.map((entry) => keyRow(nodeId, entry)));
    for (let at = 0; at < rows.length; at += BATCH)
      await store.reportKeys(toJson(rows.slice(at, at + BATCH)));
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
    token: member.tag,
    named: member.named,
  };
}

function keyRow(identity: string, entry: PinnedKey): object {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const { version, time, signKey, boxKey, bytes } = entry;
  return {
    identity,
    version,
    time,
    entry: hex(bytes),
    sign_key: hex(signKey),
    box_key: hex(boxKey),
  };
}
