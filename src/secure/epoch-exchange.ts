/**
 * What two members say whose epochs differ (docs/protocol.md section 4), in place of M2 and M3. Whose
 * EPOCH is lower gets that of the other and its own part of it; then the connection ends.
 *
 *   EPOCH     nonce 16 | fields(head, statement about an operator key, ..)
 *   PART ASK  H(head) 32 | part number u8 | MAC 32
 *   PART      sealed(part)
 */
import { concat, encodeFields, equalBytes } from '../wire/index.ts';
import type { PinnedOperator } from './certificate.ts';
import { isPartOf, parseAnyEpochHead, partFor, rankOf } from './epoch-head.ts';
import { pinnedOf } from './epoch-keys.ts';
import { SecureError } from './errors.ts';
import type { HandshakeStep } from './handshake-step.ts';
import { equalSecret, expandLabel, hmac, sha256 } from './hash.ts';
import { decodeMessage, encodeMessage, encodeRefusal, KIND, messageKind } from './messages.ts';
import { splitStatements } from './operator-set.ts';
import { secretbox } from './secretbox.ts';
import type { EpochHead, NodeId, SwarmSecrets } from './types.ts';

export interface EpochExchangeOptions {
  readonly secrets: Omit<SwarmSecrets, 'joining'>;
  readonly nodeId: NodeId;
  /** The first message of the connection. */
  readonly m1: Uint8Array;
  /** Of the epoch that both ends were in once. */
  readonly partKey: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  readonly readPart: ((number: number) => Uint8Array | undefined) | undefined;
}

const NONCE_BYTES = 16;
const ASK_BYTES = 32 + 1 + 32;

export class EpochExchange {
  readonly #options: EpochExchangeOptions;
  /** Of the own EPOCH message; empty before it was said. */
  #nonce: Uint8Array = new Uint8Array(0);
  /** What was asked for. */
  #asked:
    | {
        readonly head: EpochHead;
        readonly operators: readonly Uint8Array[];
        readonly number: number;
        readonly context: Uint8Array;
      }
    | undefined;

  constructor(options: EpochExchangeOptions) {
    this.#options = options;
  }

  /** The own EPOCH, on the responder. */
  start(): HandshakeStep {
    // The peer's EPOCH brings what it knows of the operator's keys.
    return { send: this.#sayHead(), expectsPart: true };
  }

  /** @throws SecureError, at the end always: with `catchUp`, or with the part as its `reply` */
  handle(message: Uint8Array): HandshakeStep {
    const kind = messageKind(message);
    if (this.#asked !== undefined) throw this.#takePart(message);
    if (kind === KIND.epoch) return this.#handleHead(decodeMessage(message, KIND.epoch));
    throw this.#handleAsk(decodeMessage(message, KIND.partAsk, ASK_BYTES));
  }

  #handleHead(body: Uint8Array): HandshakeStep {
    const { secrets, nodeId, partKey } = this.#options;
    const { head, operators, pinned } = this.#read(body.slice(NONCE_BYTES));
    const own = secrets.head && parseAnyEpochHead(secrets.head, pinned);
    if (head.id === own?.id) throw differs('both ends show one EPOCH, yet M1 was of another');
    // Whichever keys either end knows: what one of them has revoked is below what none has.
    const [theirs, ours] = [rankOf(head, pinned), own === undefined ? '' : rankOf(own, pinned)];
    if (theirs <= ours) {
      if (theirs === ours) throw differs('neither end shows an EPOCH of a key that counts');
      if (this.#nonce.length > 0) throw differs('the peer shows a lower EPOCH again');
      return { send: this.#sayHead() };
    }
    const number = partFor(head, nodeId);
    if (number === undefined) throw differs('the peer shows a newer EPOCH', { head, operators });
    const context = this.#contextOf(body.subarray(0, NONCE_BYTES), head.bytes, number);
    this.#asked = { head, operators, number, context };
    const mac = hmac(expandLabel(partKey, 'ask'), context);
    const named = concat(sha256(head.bytes), Uint8Array.of(number));
    return { send: encodeMessage(KIND.partAsk, named, mac), expectsPart: true };
  }

  /** The part goes out as the last word. */
  #handleAsk(body: Uint8Array): SecureError {
    const { secrets, partKey, readPart } = this.#options;
    const number = body[32]!;
    const head = secrets.head ?? new Uint8Array(0);
    if (this.#nonce.length === 0 || !equalBytes(body.subarray(0, 32), sha256(head))) {
      return differs('the peer asks for a part of another EPOCH');
    }
    const context = this.#contextOf(this.#nonce, head, number);
    if (!equalSecret(body.subarray(33), hmac(expandLabel(partKey, 'ask'), context))) {
      return differs('the peer asks for a part without the key of its own epoch');
    }
    const part = readPart?.(number);
    if (part === undefined) {
      const reply = encodeRefusal('busy');
      return new SecureError('busy', 'a part of the EPOCH that is not here yet', { reply });
    }
    const sealed = secretbox().seal(expandLabel(partKey, 'part', context), ZERO_NONCE, part);
    const reply = encodeMessage(KIND.part, sealed);
    return new SecureError('wrong_epoch', 'the peer is behind and was caught up', { reply });
  }

  #takePart(message: Uint8Array): SecureError {
    const { partKey, secrets } = this.#options;
    const { head, operators, number, context } = this.#asked!;
    const sealed = decodeMessage(message, KIND.part);
    const bytes = secretbox().open(expandLabel(partKey, 'part', context), ZERO_NONCE, sealed);
    if (bytes === undefined || !isPartOf(head, number, bytes, secrets.swarmId)) {
      return new SecureError('bad_seal', 'a part of an EPOCH that does not authenticate');
    }
    return differs('the peer is in a newer epoch', { head, operators, part: { number, bytes } });
  }

  #sayHead(): Uint8Array {
    const { secrets, random } = this.#options;
    if (secrets.head === undefined) throw differs('no EPOCH to show');
    this.#nonce = new Uint8Array(random(NONCE_BYTES));
    const shown = encodeFields([secrets.head, ...(secrets.operators ?? [])]);
    return encodeMessage(KIND.epoch, this.#nonce, shown);
  }

  /** A host that was away may not know the key yet that made the EPOCH: both are shown together. */
  #read(shown: Uint8Array): {
    readonly head: EpochHead;
    readonly operators: readonly Uint8Array[];
    readonly pinned: PinnedOperator;
  } {
    const known = pinnedOf(this.#options.secrets);
    if (known === undefined) throw differs('an EPOCH, and no operator key to check it by');
    const [head, ...operators] = splitStatements(shown);
    if (head === undefined) throw new SecureError('malformed', 'an EPOCH message without a head');
    const pinned = { ...known, operators: known.operators!.withAll(operators) };
    return { head: parseAnyEpochHead(head, pinned), operators, pinned };
  }

  /** Nonce of who gives the part, first message, head, number: one answer to one question. */
  #contextOf(nonce: Uint8Array, head: Uint8Array, number: number): Uint8Array {
    const m1 = sha256(this.#options.m1);
    return encodeFields([nonce, m1, sha256(head), Uint8Array.of(number)]);
  }
}

function differs(message: string, catchUp?: SecureError['catchUp']): SecureError {
  return new SecureError('wrong_epoch', message, catchUp && { catchUp });
}

/** Each of these keys seals one message. */
const ZERO_NONCE = new Uint8Array(24);
