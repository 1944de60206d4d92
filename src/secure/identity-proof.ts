/**
 * How each side of a handshake shows who it is: fields(node id, boot id, newest key entry,
 * admission or nothing, signature over label, role, transcript hash and the rest), sent sealed.
 */
import {
  ADMISSION_BYTES,
  decodeFields,
  encodeFields,
  equalBytes,
  fromHex,
  toHex,
  utf8,
} from '../wire/index.ts';
import { verifyStrict } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { protocolLabel } from './hash.ts';
import type { Identity } from './identity.ts';
import { parseKeyEntry } from './key-entry.ts';
import type { HandshakeRole } from './pake.ts';
import type { KeyBook } from './key-book.ts';
import type { KeyEntry, PeerIdentity } from './types.ts';

export const BOOT_ID_BYTES = 16;

/** `context`: names the handshake; `transcript`: hash of all that was said before. */
export interface ProofContext {
  readonly label: string;
  readonly role: HandshakeRole;
  readonly transcript: Uint8Array;
}

export function proveIdentity(
  identity: Identity,
  bootId: Uint8Array,
  context: ProofContext,
  admission: Uint8Array = NONE,
): Uint8Array {
  const parts = [fromHex(identity.nodeId), bootId, identity.newest.bytes, admission];
  return encodeFields([...parts, identity.sign(signedPart(context, parts))]);
}

/** Own side, and what is known of others. */
export interface ProofChecker {
  readonly identity: Identity;
  readonly bootId: Uint8Array;
  /** Whose entries beyond the first are believed: anybody could claim to be version 5 of a node. */
  readonly keyBook?: KeyBook;
  /** The driver refuses keys that were rotated away; it fetches and judges the missing entries before it uses the session. */
  readonly judgesKeysLater?: boolean;
}

/**
 * Checks that the peer holds the key of the entry it shows, and that this entry is the first of its
 * list or stands in the key book.
 * @throws SecureError `malformed` | `bad_key_list` | `bad_signature` | `self` | `clone`
 */
export function checkIdentityProof(
  bytes: Uint8Array,
  own: ProofChecker,
  context: ProofContext,
): PeerIdentity {
  const [nodeId, bootId, entryBytes, admission, signature] = splitProof(bytes);
  const entry = parseKeyEntry(entryBytes);
  if (toHex(nodeId) !== entry.nodeId || bootId.length !== BOOT_ID_BYTES) {
    throw new SecureError('malformed', 'an identity proof that contradicts itself');
  }
  if (admission.length !== 0 && admission.length !== ADMISSION_BYTES) {
    throw new SecureError('malformed', `an admission of ${admission.length} bytes`);
  }
  const signed = signedPart(context, [nodeId, bootId, entry.bytes, admission]);
  if (!verifyStrict(entry.signKey, signed, signature)) {
    throw new SecureError('bad_signature', `the peer is not ${entry.nodeId}: its signature fails`);
  }
  const doubt = entry.nodeId === own.identity.nodeId ? undefined : doubtAbout(entry, own);
  if (doubt !== undefined) {
    const what = `key entry ${entry.version} of ${entry.nodeId}`;
    throw new SecureError('bad_key_list', `${what} is not accepted: ${doubt}`);
  }
  if (entry.nodeId === own.identity.nodeId) throw ownId(bootId, own.bootId);
  return {
    nodeId: entry.nodeId,
    bootId: new Uint8Array(bootId),
    entry,
    admission: new Uint8Array(admission),
  };
}

/** A first entry is bound to its node id by the hash; a later one only by its list. */
function doubtAbout(entry: KeyEntry, own: ProofChecker): string | undefined {
  const list = own.keyBook?.list(entry.nodeId) ?? [];
  if (own.keyBook?.frozen(entry.nodeId)) return 'this identity is frozen because of a fork';
  if (own.judgesKeysLater) return undefined;
  // A key that was rotated away is what a thief or a restored backup would show.
  if (list.length > entry.version + 1) return `entry ${list.length - 1} is known to follow it`;
  const known = list[entry.version];
  if (known !== undefined) {
    return equalBytes(known.bytes, entry.bytes) ? undefined : 'another entry is known in its place';
  }
  return entry.version === 0 ? undefined : 'its key list is not known here yet';
}

type Proof = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

function splitProof(bytes: Uint8Array): Proof {
  try {
    return decodeFields(bytes, 5) as Proof;
  } catch (cause) {
    throw new SecureError('malformed', `not an identity proof: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** `parts`: node id, boot id, key entry, admission. */
function signedPart(
  { label, role, transcript }: ProofContext,
  parts: readonly Uint8Array[],
): Uint8Array {
  return encodeFields([protocolLabel(`identity ${label}`, 2), utf8(role), transcript, ...parts]);
}

const NONE = new Uint8Array(0);

function ownId(bootId: Uint8Array, ownBootId: Uint8Array): SecureError {
  return Buffer.compare(bootId, ownBootId) === 0
    ? new SecureError('self', 'this connection leads back to the host itself')
    : new SecureError(
        'clone',
        `another process uses this host's identity (boot id ${toHex(bootId)}): its state folder was copied`,
      );
}
