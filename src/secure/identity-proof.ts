/**
 * How each side of a handshake shows who it is: fields(node id, boot id, newest key entry,
 * signature over label, role, transcript hash and the rest), sent sealed.
 */
import { decodeFields, encodeFields, fromHex, toHex, utf8 } from '../wire/index.ts';
import { verifyStrict } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { protocolLabel } from './hash.ts';
import type { Identity } from './identity.ts';
import { parseKeyEntry } from './key-entry.ts';
import type { HandshakeRole } from './pake.ts';
import type { PeerIdentity } from './types.ts';

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
): Uint8Array {
  const entry = identity.newest.bytes;
  const nodeId = fromHex(identity.nodeId);
  const signature = identity.sign(signedPart(context, nodeId, bootId, entry));
  return encodeFields([nodeId, bootId, entry, signature]);
}

/**
 * Checks that the peer holds the key of the entry it shows. That the entry belongs to the list
 * known for that node id is judged by the key book, not here, unless it is the first of its list.
 * @throws SecureError `malformed` | `bad_key_list` | `bad_signature` | `self` | `clone`
 */
export function checkIdentityProof(
  bytes: Uint8Array,
  own: { readonly identity: Identity; readonly bootId: Uint8Array },
  context: ProofContext,
): PeerIdentity {
  const [nodeId, bootId, entryBytes, signature] = splitProof(bytes);
  const entry = parseKeyEntry(entryBytes);
  if (toHex(nodeId) !== entry.nodeId || bootId.length !== BOOT_ID_BYTES) {
    throw new SecureError('malformed', 'an identity proof that contradicts itself');
  }
  if (!verifyStrict(entry.signKey, signedPart(context, nodeId, bootId, entry.bytes), signature)) {
    throw new SecureError('bad_signature', `the peer is not ${entry.nodeId}: its signature fails`);
  }
  if (entry.nodeId === own.identity.nodeId) throw ownId(bootId, own.bootId);
  return { nodeId: entry.nodeId, bootId: new Uint8Array(bootId), entry };
}

function splitProof(bytes: Uint8Array): [Uint8Array, Uint8Array, Uint8Array, Uint8Array] {
  try {
    return decodeFields(bytes, 4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  } catch (cause) {
    throw new SecureError('malformed', `not an identity proof: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function signedPart(
  { label, role, transcript }: ProofContext,
  nodeId: Uint8Array,
  bootId: Uint8Array,
  entry: Uint8Array,
): Uint8Array {
  const head = [protocolLabel(`identity ${label}`), utf8(role), transcript];
  return encodeFields([...head, nodeId, bootId, entry]);
}

function ownId(bootId: Uint8Array, ownBootId: Uint8Array): SecureError {
  return Buffer.compare(bootId, ownBootId) === 0
    ? new SecureError('self', 'this connection leads back to the host itself')
    : new SecureError(
        'clone',
        `another process uses this host's identity (boot id ${toHex(bootId)}): its state folder was copied`,
      );
}
