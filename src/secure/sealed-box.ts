/**
 * Sealing one text to many X25519 keys (docs/protocol.md sections 4 and 8): a fresh key seals the
 * text once and is itself sealed to each recipient under an ephemeral exchange.
 *
 *   fields(ephemeral key 32, slots, box)      slot = id prefix 8 | sealed text key 48
 */
import { concat, decodeFields, encodeFields, equalBytes } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { expandLabel, hkdfExtract, sha256 } from './hash.ts';
import { secretbox } from './secretbox.ts';
import type { Recipient, SealToManyOptions } from './types.ts';
import { x25519, x25519KeyPair } from './x25519.ts';

export const RECIPIENTS_MAX = 4096;

/** @throws SecureError `bad_key` when a recipient's key is of low order */
export function sealToMany(options: SealToManyOptions): Uint8Array {
  const { recipients, plain, context, random } = options;
  if (recipients.length > RECIPIENTS_MAX) {
    throw new RangeError(`${recipients.length} recipients, at most ${RECIPIENTS_MAX}`);
  }
  const ephemeral = x25519KeyPair(new Uint8Array(random(32)));
  const textKey = new Uint8Array(random(32));
  const slots = recipients.map((recipient) => {
    const key = slotKey(ephemeral.secretKey, recipient.publicKey, {
      ephemeral: ephemeral.publicKey,
      recipient,
      context,
    });
    return concat(
      recipient.id.subarray(0, ID_PREFIX_BYTES),
      secretbox().seal(key, ZERO_NONCE, textKey),
    );
  });
  const sealed = secretbox().seal(expandLabel(textKey, 'sealed text', context), ZERO_NONCE, plain);
  ephemeral.secretKey.fill(0);
  return encodeFields([ephemeral.publicKey, concat(...slots), sealed]);
}

/**
 * The text, or undefined when none of the slots is for this key.
 * @throws SecureError `malformed`
 */
export function openFromMany(
  bytes: Uint8Array,
  own: Recipient & { readonly secretKey: Uint8Array },
  context: Uint8Array,
): Uint8Array | undefined {
  const [ephemeral, slots, sealed] = split(bytes);
  let key: Uint8Array | undefined;
  let tried = 0;
  for (let at = 0; at < slots.length; at += SLOT_BYTES) {
    const slot = slots.subarray(at, at + SLOT_BYTES);
    if (!equalBytes(slot.subarray(0, 8), own.id.subarray(0, 8))) continue;
    if (++tried > SAME_PREFIX_MAX) break;
    key ??= slotKey(own.secretKey, ephemeral, { ephemeral, recipient: own, context });
    const textKey = secretbox().open(key, ZERO_NONCE, slot.subarray(8));
    if (textKey === undefined) continue;
    return secretbox().open(expandLabel(textKey, 'sealed text', context), ZERO_NONCE, sealed);
  }
  return undefined;
}

function split(bytes: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  try {
    const fields = decodeFields(bytes, 3) as [Uint8Array, Uint8Array, Uint8Array];
    if (fields[0].length !== 32) throw new RangeError('an ephemeral key of the wrong length');
    if (fields[1].length % SLOT_BYTES !== 0) throw new RangeError('a slot of the wrong length');
    if (fields[1].length > RECIPIENTS_MAX * SLOT_BYTES) throw new RangeError('too many slots');
    return fields;
  } catch (cause) {
    throw new SecureError('malformed', `not a sealed box: ${(cause as Error).message}`, { cause });
  }
}

/** What a slot of one recipient is sealed under. @throws SecureError `bad_key` */
export function slotKey(
  secretKey: Uint8Array,
  publicKey: Uint8Array,
  bound: { ephemeral: Uint8Array; recipient: Recipient; context: Uint8Array },
): Uint8Array {
  const shared = x25519(secretKey, publicKey);
  if (shared === undefined) throw new SecureError('bad_key', 'a box key of low order');
  const { ephemeral, recipient, context } = bound;
  const salt = sha256(encodeFields([ephemeral, recipient.publicKey, recipient.id]));
  return expandLabel(hkdfExtract(salt, shared), 'sealed slot', context);
}

const ID_PREFIX_BYTES = 8;
const SLOT_BYTES = ID_PREFIX_BYTES + 32 + 16;
/** Ids hardly ever share 8 bytes: who shows more slots of one prefix wants to cost time. */
const SAME_PREFIX_MAX = 4;
/** Each of these keys seals one text. */
const ZERO_NONCE = new Uint8Array(24);
