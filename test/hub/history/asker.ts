/** A swarm whose hosts hand takings over: it speaks the bodies of `track` and `fetch` requests. */
import {
  decodeFetchBody,
  decodeTrackBody,
  encodeFetchAnswer,
  encodeTaking,
  encodeTrackAnswer,
} from '../../../src/takings/body.ts';
import type {
  FetchBody,
  RequestEvent,
  RequestSpec,
  Taking,
  Wish,
} from '../../../src/agent/index.ts';
import type { Vitals } from '../../../src/takings/types.ts';
import { encodeRow } from '../../../src/tables/canonical.ts';
import { concat } from '../../../src/wire/index.ts';
import type { HistoryHost } from './host.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

export class HistoryAsker extends ScriptedAsker {
  /** Wish lists as hosts keep them. */
  readonly wishes = new Map<string, { version: number; tables: readonly Wish[] }>();
  readonly fetches: { node: string; body: FetchBody }[] = [];
  readonly #hosts: ReadonlyMap<string, HistoryHost>;
  /** By node, what it says of its clock and its running; a right clock where nothing is set. */
  readonly vitals = new Map<string, Vitals>();
  /** By node, what it refuses to hand over with. */
  readonly refusals = new Map<string, { code: string; message: string }>();
  /** Takings in one answer. */
  most = Infinity;

  constructor(hosts: Readonly<Record<string, HistoryHost>>) {
    super(['hub1']);
    this.#hosts = new Map(Object.values(hosts).map((host) => [host.nodeId, host]));
    for (const [name, { nodeId }] of Object.entries(hosts)) this.set(name, 'alive', { nodeId });
    this.set('hub1', 'left');
  }

  override async *request(spec: RequestSpec): AsyncIterable<RequestEvent> {
    const requestId = '0'.repeat(32);
    const nodes = spec.targets.kind === 'nodes' ? spec.targets.nodes : [];
    for (const nodeId of nodes) {
      const proof = new Uint8Array();
      const refusal = this.refusals.get(nodeId);
      if (refusal !== undefined) {
        const said = { ...refusal, rowCount: 0, truncated: false };
        const outcome = { nodeId, name: '', state: 'refused' as const, ...said };
        const payload = new Uint8Array();
        yield { kind: 'answer', requestId, outcome, payload, unexpected: false, proof };
        continue;
      }
      const payload = this.#answer(nodeId, spec);
      const outcome = { nodeId, name: '', state: 'ok' as const, rowCount: 0, truncated: false };
      yield { kind: 'answer', requestId, outcome, payload, unexpected: false, proof };
    }
    yield { kind: 'account', requestId, account: { requestId, hosts: [], unexpected: [] } };
  }

  #answer(nodeId: string, { kind, body }: RequestSpec): Uint8Array {
    const kept = this.wishes.get(nodeId) ?? { version: 0, tables: [] };
    if (kind === 'track') {
      const wish = decodeTrackBody(body);
      const taken = wish.version >= kept.version;
      if (taken) this.wishes.set(nodeId, wish);
      return encodeTrackAnswer({
        version: Math.max(wish.version, kept.version),
        taken,
        refused: [],
      });
    }
    const asked = decodeFetchBody(body);
    this.fetches.push({ node: nodeId, body: asked });
    const host = this.#hosts.get(nodeId)!;
    const tracked = kept.tables.some(({ table }) => table === host.table);
    const ack = asked.acks.find(({ table }) => table === host.table);
    const wanted = tracked && (asked.tables?.includes(host.table) ?? true);
    const takings = wanted ? host.answer(Date.now(), ack, this.most) : [];
    return encodeFetchAnswer({
      version: kept.version,
      refused: [],
      layouts: [host.shape],
      more: takings.length < host.journal.length,
      takings: takings.map(packTaking),
      vitals: this.vitals.get(nodeId) ?? { wall: Date.now(), boot: '', upMs: 0 },
    });
  }
}

/** As it is sent. */
export function packTaking(taking: Taking): Uint8Array {
  const { layout } = taking;
  return encodeTaking(
    taking,
    taking.added.map(({ values }) => encodeRow(layout!, values)),
    concat(...taking.removed.flatMap(({ key, row }) => [key, row])),
  );
}
