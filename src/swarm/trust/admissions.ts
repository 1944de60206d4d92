/**
 * Who is a member (docs/protocol.md section 3): whom the roll of the present epoch names, and who shows
 * an admission by one of its tokens. Looked at before anything of a node is kept, or counts.
 */
import { admissionMessage, equalBytes, fromHex, splitAdmission } from '../../wire/index.ts';
import type { EpochId, NodeId, TokenRecord } from '../../secure/types.ts';
import type { Context } from '../engine/context.ts';
import type { Epochs } from './epochs.ts';
import { Seats } from './seats.ts';
import type { Tokens } from './tokens.ts';
import type { TokenDoor } from '../types.ts';

/** `wait`: what it follows from is not here yet. `saving`: its seat is on its way to the disk. */
export type Standing = 'admitted' | 'saving' | 'wait' | 'refused';

export interface AdmissionsSources {
  readonly context: Context;
  readonly epochs: Epochs;
  readonly tokens: Tokens;
  readonly seats: Seats;
  isExpelled(nodeId: NodeId): boolean;
}

/** Hosts of the roll and of all seats, together. */
export const HOSTS_MAX = 16_384;

export class Admissions {
  #sources: AdmissionsSources;
  /** Admissions whose signature was good, by tag and node; never more than seats. */
  #verified = new Map<string, Uint8Array>();
  #epoch: EpochId | undefined;

  constructor(sources: AdmissionsSources) {
    this.#sources = sources;
  }

  isExpelled(nodeId: NodeId): boolean {
    return this.#sources.isExpelled(nodeId);
  }

  /** Takes a seat where the node comes by a token. */
  judge(nodeId: NodeId, admission: Uint8Array): Standing {
    const { context, epochs, tokens, seats } = this.#sources;
    if (this.#sources.isExpelled(nodeId)) return 'refused';
    if (nodeId === context.nodeId || epochs.isOnRoll(nodeId)) return 'admitted';
    const split = splitAdmission(admission);
    if (split === undefined) return epochs.isWhole ? 'refused' : 'wait';
    const token = tokens.get(split.tag);
    // What is held of other epochs than the present one is of those to come.
    if (token === undefined || token.epochId !== epochs.enteredId) return 'wait';
    if (!this.#verify(token, nodeId, admission, split.signature)) return this.#refused();
    const seat = seats.take(token, nodeId);
    if (seat === 'full') return this.#refused();
    this.#verified.set(token.tag + nodeId, admission);
    return seat === 'taken' ? 'admitted' : 'saving';
  }

  /**
   * The same of a node that was admitted once: what let it in was known here then, so that what is not
   * known now does not hold any more, unless parts of the roll are still to come.
   */
  stands(nodeId: NodeId, admission: Uint8Array): boolean {
    const standing = this.judge(nodeId, admission);
    if (standing === 'wait') return !this.#sources.epochs.isWhole;
    return standing !== 'refused';
  }

  /** Told once, when its record is there. */
  noteJoined(nodeId: NodeId, name: string, admission: Uint8Array): void {
    const token = this.tokenOf(admission);
    const { context, seats } = this.#sources;
    if (token === undefined || !seats.isNew(token.tag, nodeId)) return;
    const { tag, uses } = token;
    context.events.push({ kind: 'joined', nodeId, name, tag, seat: seats.count(tag), uses });
  }

  /** By which token a node came, if not by the roll alone. */
  tokenOf(admission: Uint8Array): TokenRecord | undefined {
    const split = splitAdmission(admission);
    return split && this.#sources.tokens.get(split.tag);
  }

  /**
   * Whether the operator made its token for this name. Only of an admission that was checked: whom the
   * roll names may show any.
   */
  isNamed(nodeId: NodeId, admission: Uint8Array, name: string): boolean {
    const token = this.tokenOf(admission);
    if (token === undefined || name === '' || token.host !== name) return false;
    const checked = this.#verified.get(token.tag + nodeId);
    return checked !== undefined && equalBytes(checked, admission);
  }

  /** The token of a tag, for one who lets hosts in here and now, or why not. */
  door(tag: string): TokenDoor {
    const { context, epochs, tokens, seats } = this.#sources;
    const token = tokens.get(tag);
    // Nobody that is let in could tell a void epoch from an invented one.
    const isHere = token?.epochId === epochs.enteredId && !epochs.isVoid;
    if (token === undefined || !isHere) return { code: 'unknown_token' };
    const seconds = Math.floor(context.now.wall / 1000);
    if (seconds < token.made - CLOCK_SLACK_SECONDS) return { code: 'wrong_clock' };
    if (token.state === 'ended' || seconds > token.notAfter) return { code: 'token_ended' };
    if (this.hosts() >= HOSTS_MAX) return { code: 'swarm_full' };
    return seats.hasFree(token) ? { token } : { code: 'token_used_up' };
  }

  /** The roll, and all seats that were seen. */
  hosts(): number {
    const { epochs, tokens, seats } = this.#sources;
    const seen = tokens.all().reduce((sum, { tag }) => sum + seats.count(tag), 0);
    return epochs.roll.size + seen;
  }

  /**
   * Another epoch: nothing of the tokens before counts any more. Seats go with it, and not because their
   * token is not here: after a restart tokens come one after the other.
   */
  handleEpoch(): void {
    const { tokens, seats, epochs } = this.#sources;
    tokens.enter(epochs.enteredId);
    const before = this.#epoch;
    this.#epoch = epochs.enteredId;
    if (before === undefined || before === this.#epoch) return;
    seats.forget((tag) => tokens.get(tag) !== undefined);
    for (const key of this.#verified.keys()) {
      if (tokens.get(key.slice(0, TAG_DIGITS)) === undefined) this.#verified.delete(key);
    }
  }

  /** A signature was looked at for nothing: work for the link that said it. */
  #refused(): 'refused' {
    this.#sources.context.wasted++;
    return 'refused';
  }

  #verify(
    token: TokenRecord,
    nodeId: NodeId,
    admission: Uint8Array,
    signature: Uint8Array,
  ): boolean {
    const known = this.#verified.get(token.tag + nodeId);
    if (known !== undefined && equalBytes(known, admission)) return true;
    const { context } = this.#sources;
    const message = admissionMessage(context.swarm, fromHex(token.tag), fromHex(nodeId));
    return context.crypto.verify(token.publicKey, message, signature);
  }
}

const TAG_DIGITS = 16;
/** Clocks of operator and host differ a little. */
const CLOCK_SLACK_SECONDS = 300;

export function seatsAlarm(context: Context, seats: Seats, token: TokenRecord): void {
  const named = seats
    .of(token.tag)
    .slice(-3)
    .map((prefix) => prefix.slice(0, 12));
  context.alarm(
    'token_overused',
    token.tag,
    `join token ${token.tag}${token.note === '' ? '' : ` ("${token.note}")`} may bring ${token.uses} hosts, and ${seats.count(token.tag)} or more show that they came by it, the last ones ${named.join(', ')}: somebody has its text; look at \`swarmplane nodes --tree\`, end it with \`swarmplane token end ${token.tag}\`, or put out all that came by it with \`swarmplane token revoke ${token.tag}\``,
  );
}
