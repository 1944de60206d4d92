/**
 * An admission (docs/protocol.md section 3): a token's word that a node is let in, signed with the
 * token key by whoever has the token's text. It names no time and no admitter, so nothing in it can
 * be backdated, and a node has one a token.
 */
import { concat, toHex, utf8 } from './bytes.ts';
import { encodeFields } from './fields.ts';

export const TAG_BYTES = 8;
/** `tag 8 | signature 64`. */
export const ADMISSION_BYTES = TAG_BYTES + 64;

export interface SplitAdmission {
  /** Of the token, 16 hex digits. */
  readonly tag: string;
  readonly signature: Uint8Array;
}

/** Undefined when it is none, e.g. empty: the node was admitted by a roll alone. */
export function splitAdmission(bytes: Uint8Array): SplitAdmission | undefined {
  if (bytes.length !== ADMISSION_BYTES) return undefined;
  return { tag: toHex(bytes.subarray(0, TAG_BYTES)), signature: bytes.subarray(TAG_BYTES) };
}

export function joinAdmission(tag: Uint8Array, signature: Uint8Array): Uint8Array {
  return concat(tag, signature);
}

/** What the token key signs. `node`: 32 bytes. */
export function admissionMessage(swarm: Uint8Array, tag: Uint8Array, node: Uint8Array): Uint8Array {
  return encodeFields([LABEL, swarm, tag, node]);
}

const LABEL = utf8('swarmplane/2 admission');
