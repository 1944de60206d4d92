/** A SEAL as signed, taken apart for whoever checks one (docs/protocol.md section 10). */
import { verifyStrict } from '../../secure/index.ts';
import type { SealView } from '../../swarm/index.ts';
import { decodeSigned, toHex, WireError } from '../../wire/index.ts';

export interface OpenSeal extends SealView {
  /** True when this Ed25519 public key (32 bytes) signed it. */
  signedBy(key: Uint8Array): boolean;
}

/** Undefined for bytes that are no SEAL. */
export function openSeal(head: Uint8Array): OpenSeal | undefined {
  try {
    const { body, signed, signature } = decodeSigned(head);
    if (body.kind !== 'seal') return undefined;
    const { number, at, keyVersion } = body;
    return {
      number,
      at,
      keyVersion,
      head,
      chain: toHex(body.chain),
      hash: toHex(body.hash),
      hub: toHex(body.hub),
      signedBy: (key) => verifyStrict(key, signed, signature),
    };
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
