/**
 * The operator's records: statements about its keys, revocation lists, head and hub certificates, EPOCHs
 * and TOKENs, in one file, so that what belongs together is on the disk together. Two neighbours tell
 * each other what they hold, at link-up and with each digest; who holds more sends it. Whom a list expels
 * is out of the table and loses its link.
 */
import { concat, equalBytes, fromHex, prefixOfNode, toHex } from '../../wire/index.ts';
import type { HoldsMessage } from '../../wire/index.ts';
import type {
  EpochHead,
  HubRecord,
  NamedHead,
  NodeId,
  OperatorRecord,
  RevocationRecord,
} from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Epochs } from './epochs.ts';
import { packRecords, RECORDS_KEY } from './kept-records.ts';
import type { Except, Links } from '../links/links.ts';
import { NamedRecords } from './named-records.ts';
import { OperatorKeys } from './operator-keys.ts';
import { RevocationLists } from './revocation-lists.ts';
import type { Tokens } from './tokens.ts';
import type { KeptRecords, LinkId, OperatorBundle } from '../types.ts';

const RECORDS = "the operator's records";

export interface RecordHandlers {
  /** New lists put nodes out. */
  expelled(): void;
  /** The operator has named the good head of a node's key list. */
  settled(head: NamedHead): void;
  /** A node became a hub. */
  hub(node: NodeId): void;
  /** Other keys of the operator count: what others signed is gone. */
  keys(): void;
  /** Tokens have changed. */
  tokens(): void;
}

export interface RecordsSources {
  readonly context: Context;
  readonly links: Links;
  readonly epochs: Epochs;
  readonly tokens: Tokens;
}

export class OperatorRecords {
  readonly keys: OperatorKeys;
  #sources: RecordsSources;
  #handlers: RecordHandlers;
  readonly #lists = new RevocationLists();
  readonly #named = new NamedRecords();
  /** The operator's own, until they are on the disk: nobody is told of them before. */
  readonly #installs = new Set<OperatorBundle>();

  constructor(sources: RecordsSources, handlers: RecordHandlers) {
    this.#sources = sources;
    this.keys = new OperatorKeys(sources.context);
    this.#handlers = handlers;
  }

  /** Revocation lists in force, by number. */
  get lists(): readonly RevocationRecord[] {
    return this.#lists.all;
  }

  /** Prefixes of all that the lists in force put out. */
  get expelled(): readonly string[] {
    return this.#lists.expelled;
  }

  isExpelled(node: NodeId): boolean {
    return this.#lists.isExpelled(node);
  }

  /** The operator says, here and now, that a node is a hub. */
  isHub(node: NodeId): boolean {
    const seconds = this.#sources.context.now.wall / 1000;
    const record = this.hubRecord(node);
    return record !== undefined && record.notBefore <= seconds && seconds <= record.notAfter;
  }

  /** Nodes that were certified as hubs once. */
  hubs(): Iterable<NodeId> {
    return this.#named.hubs();
  }

  /** Its certificate, unless it was taken back, whether or not its time has come or is over. */
  hubRecord(node: NodeId): HubRecord | undefined {
    return this.#named.hub(node, this.lists);
  }

  /** Records about one node each: head and hub certificates. */
  get named(): readonly Uint8Array[] {
    return this.#named.all().map(({ bytes }) => bytes);
  }

  /** Records of the last run. */
  restore(kept: KeptRecords, entered: EpochHead | undefined): void {
    // First of all which keys count.
    this.keys.adopt(kept.records);
    const records = kept.records.flatMap((bytes) => this.#parse(bytes) ?? []);
    const others = records.filter((record) => record.kind === 'epoch');
    // Its key may have been revoked since, and its roll counts until the next one is here.
    const isKept = others.some(({ id }) => id === entered?.id);
    const heads = entered === undefined || isKept ? others : [...others, entered];
    const partsOf = (head: EpochHead) =>
      head.parts.map(
        (_, number) =>
          kept.parts.find((one) => one.epoch === head.id && one.number === number)?.bytes,
      );
    const { epochs } = this.#sources;
    epochs.restore(
      entered,
      heads.map((head) => ({ head, parts: partsOf(head) })),
      entered !== undefined && !this.#counts(entered),
    );
    for (const record of records) if (this.#isNews(record)) this.#take(record, undefined);
  }

  /** Keys that a handshake showed, or the secrets brought. */
  adopt(statements: readonly Uint8Array[]): void {
    if (!this.keys.adopt(statements)) return;
    this.#recheck();
    this.#persist();
  }

  /** A record of a peer; true when it was news, and is spread. */
  apply(bytes: Uint8Array, from: LinkId): boolean {
    if (this.#holds(bytes)) return false;
    const record = this.#parse(bytes);
    if (record === undefined) {
      // A signature that is none, as a rule.
      this.#sources.context.wasted++;
      return false;
    }
    if (record.kind === 'epoch') {
      // What is whole at last, `handleWhole` passes on.
      this.#sources.epochs.take(record, [], from);
      return true;
    }
    if (!this.#isNews(record)) return false;
    this.#spread(record, from);
    this.#persist();
    return true;
  }

  /**
   * What the operator made, all of it or nothing: on the disk before anybody is told.
   * @returns the effect that `installed` tells the end of; undefined when something is no record of
   * the operator, or nothing is news
   */
  install(bundle: OperatorBundle): number | undefined {
    const records = this.#parseInTurn(bundle.records);
    if (!records?.some((record) => this.#wouldBeNews(record))) return undefined;
    this.#installs.add(bundle);
    const effect = this.#persist((ok) => this.#installed(effect, bundle, ok));
    return effect;
  }

  /** A head whose parts are all here. */
  handleWhole(head: EpochHead): void {
    this.#persist();
    this.#sources.links.flood({ t: 'record', bytes: head.bytes }, undefined);
  }

  handleKept(): void {
    this.#persist();
  }

  tell(link: LinkId): void {
    const { links, epochs, tokens } = this.#sources;
    const id = epochs.newest?.head.id ?? NO_EPOCH;
    links.sendTo(link, {
      t: 'holds',
      lists: this.#listsHash(),
      epoch: fromHex(id),
      tokens: tokens.hash(id),
      heads: this.#named.hash(this.#sources.context.crypto),
    });
  }

  handleHolds(link: LinkId, message: HoldsMessage): void {
    const { links, epochs, tokens } = this.#sources;
    const show = (bytes: Uint8Array): void => links.sendTo(link, { t: 'record', bytes });
    const newest = epochs.newest?.head;
    const [ours, theirs] = [newest?.id ?? NO_EPOCH, toHex(message.epoch)];
    const lists = !equalBytes(message.lists, this.#listsHash());
    // What expels goes first: an expelled host is out before it hears of a new key. What a key signed
    // that was added goes behind its addition, and what stands in its place before its revocation.
    if (lists) for (const { bytes } of this.keys.additions) show(bytes);
    if (lists) for (const list of this.lists) show(list.bytes);
    if (lists) for (const { bytes } of this.keys.revocations) show(bytes);
    if (theirs < ours) show(newest!.bytes);
    if (theirs > ours || (lists && message.lists.length > 0)) this.#answerOnce(link, message);
    epochs.noteSource(link, theirs);
    if (theirs === ours && !equalBytes(message.tokens, tokens.hash(ours))) {
      tokens.tell(link, ours, true);
    }
    if (equalBytes(message.heads, this.#named.hash(this.#sources.context.crypto))) return;
    for (const { bytes } of this.#named.all()) show(bytes);
  }

  /** Who was away when it was expelled learns of it. */
  tellExpelled(link: LinkId, node: NodeId): void {
    for (const { bytes } of this.#lists.naming(node)) {
      this.#sources.links.sendTo(link, { t: 'record', bytes });
    }
  }

  handleLinkDown(link: LinkId): void {
    this.#answered.delete(link);
  }

  #installed(effect: number, bundle: OperatorBundle, ok: boolean): void {
    this.#installs.delete(bundle);
    if (ok) this.#takeBundle(bundle);
    this.#sources.context.events.push({ kind: 'installed', effect, ok });
  }

  /** What a link was last answered with, so that two that differ do not answer each other for ever. */
  #answered = new Map<LinkId, string>();

  /** Whoever lacks something says so, and the other sends it. */
  #answerOnce(link: LinkId, message: HoldsMessage): void {
    const said = `${toHex(message.lists)} ${toHex(message.epoch)} ${toHex(this.#listsHash())}`;
    if (this.#answered.get(link) === said) return;
    this.#answered.set(link, said);
    this.tell(link);
  }

  /** A flood brings each record once by every link: what is held already costs no signature. */
  #holds(bytes: Uint8Array): boolean {
    const { tokens, epochs } = this.#sources;
    const lists = [...this.keys.statements, ...this.lists];
    const held = [...lists, ...this.#named.all(), ...tokens.all()];
    const whole = epochs.newest === undefined ? [] : [epochs.newest.head];
    return [...held, ...whole].some((record) => equalBytes(record.bytes, bytes));
  }

  #parse(bytes: Uint8Array): OperatorRecord | undefined {
    return this.#sources.context.options.parseRecord?.(bytes, this.keys.set);
  }

  /** Each under the keys that those before it have added; undefined where one is none of them. */
  #parseInTurn(all: readonly Uint8Array[]): OperatorRecord[] | undefined {
    const { parseRecord } = this.#sources.context.options;
    let keys = this.keys.set;
    const records: OperatorRecord[] = [];
    for (const bytes of all) {
      const record = parseRecord?.(bytes, keys);
      if (record === undefined) return undefined;
      if (record.kind === 'operator-key') keys = keys?.with(record) ?? keys;
      records.push(record);
    }
    return records;
  }

  #wouldBeNews(record: OperatorRecord): boolean {
    const { epochs, tokens } = this.#sources;
    // One of a key that a record before it adds or brings back is seen to when its turn comes.
    if (!this.#counts(record)) return true;
    if (record.kind === 'epoch') return record.id > (epochs.newest?.head.id ?? epochs.floor);
    if (record.kind !== 'token') return this.#isNews(record);
    const known = tokens.get(record.tag);
    return known === undefined || !equalBytes(known.bytes, record.bytes);
  }

  /** Whether the key that signed it counts; its own record, so the rest of it is right. */
  readonly #counts = ({ bytes }: { readonly bytes: Uint8Array }): boolean =>
    this.#parse(bytes) !== undefined;

  #isNews(record: OperatorRecord): boolean {
    if (record.kind === 'operator-key') return this.keys.isNews(record);
    if (record.kind === 'revocations') return this.#lists.isNews(record);
    if (record.kind === 'head' || record.kind === 'hub') return this.#named.isNews(record);
    return record.kind === 'token';
  }

  /** First the flood: whom it expels shall learn why its links go. */
  #spread(record: OperatorRecord, except: Except): void {
    if (record.kind === 'token') {
      if (!this.#take(record, except)) return;
      this.#sources.links.flood({ t: 'record', bytes: record.bytes }, except);
      return;
    }
    this.#sources.links.flood({ t: 'record', bytes: record.bytes }, except);
    this.#take(record, except);
  }

  #take(record: OperatorRecord, from: Except): boolean {
    const { context, epochs, tokens } = this.#sources;
    switch (record.kind) {
      case 'operator-key':
        if (!this.keys.take(record)) return false;
        this.#recheck();
        return true;
      case 'epoch':
        return epochs.take(record, [], from);
      case 'token': {
        if (!tokens.take(record, epochs.enteredId)) return false;
        this.#handlers.tokens();
        return true;
      }
      case 'head':
        this.#named.take(record);
        this.#handlers.settled(record.head);
        return true;
      case 'hub':
        this.#named.take(record);
        this.#handlers.hub(record.nodeId);
        return true;
      case 'revocations':
        this.#lists.take(record);
        context.events.push({ kind: 'record', record });
        this.#expel();
        return true;
    }
  }

  /** Other keys count: what none of them has signed is dropped. */
  #recheck(): void {
    const { epochs, tokens } = this.#sources;
    const isGone = (record: OperatorRecord): boolean => !this.#counts(record);
    this.#lists.drop(isGone);
    this.#named.drop(isGone);
    tokens.drop(isGone);
    epochs.handleKeys(this.#counts);
    this.#expel();
    this.#handlers.keys();
  }

  #takeBundle({ records, parts }: OperatorBundle): void {
    const take = (bytes: Uint8Array): void => {
      const record = this.#parse(bytes);
      // By the key that one before it has revoked.
      if (record === undefined) return;
      if (record.kind === 'epoch') this.#sources.epochs.take(record, parts, undefined);
      else if (this.#isNews(record)) this.#spread(record, undefined);
    };
    records.forEach(take);
    // What stood in the way of one may have gone by the word of a later one.
    records.forEach(take);
    this.#persist();
  }

  #expel(): void {
    const { context } = this.#sources;
    const more = this.#lists.expel();
    if (more.has(prefixOfNode(context.nodeId))) {
      context.alarm(
        'expelled',
        context.nodeId,
        'the operator has expelled this host from the swarm: no member talks to it any more',
      );
    }
    if (more.size > 0) this.#handlers.expelled();
  }

  #listsHash(): Uint8Array {
    const statements = this.keys.statements.map(({ hash }) => hash);
    const hashes = [...statements, ...this.#lists.hashes].sort().map(fromHex);
    if (hashes.length === 0) return NONE;
    return this.#sources.context.crypto.sha256(concat(...hashes)).subarray(0, 8);
  }

  /** What is being installed is in every write, or a later one would undo it. */
  #persist(done: (ok: boolean) => void = () => {}): number {
    const { context, epochs, tokens } = this.#sources;
    const installs = [...this.#installs];
    const held = [...epochs.kept()];
    const records = [
      ...this.keys.statements.map((record) => record.bytes),
      ...[...this.lists, ...this.#named.all(), ...tokens.all()].map((record) => record.bytes),
      ...held.map(({ head }) => head.bytes),
      ...installs.flatMap((bundle) => bundle.records),
    ];
    const parts = held.flatMap(({ head, parts: each }) =>
      each.flatMap((bytes, number) => (bytes ? [{ epoch: head.id, number, bytes }] : [])),
    );
    const installed = installs.flatMap((bundle) => this.#partsOf(bundle));
    const bytes = packRecords({ records, parts: [...parts, ...installed] });
    return context.persist({ key: RECORDS_KEY, what: RECORDS, bytes, done });
  }

  #partsOf({ records, parts }: OperatorBundle): KeptRecords['parts'] {
    const head = records.map((bytes) => this.#parse(bytes)).find((one) => one?.kind === 'epoch');
    if (head?.kind !== 'epoch') return [];
    return parts.map((bytes, number) => ({ epoch: head.id, number, bytes }));
  }
}

const NO_EPOCH = '0'.repeat(32);
const NONE = new Uint8Array(0);
