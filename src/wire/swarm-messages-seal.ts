/** SEAL: a hub's word for the end of an audit chain (docs/protocol.md section 10). */
import { readU64, u64 } from './bytes.ts';
import { KEY_VERSION_MAX } from './field-readers.ts';
import { exactly } from './fields.ts';

export interface SealBody {
  readonly kind: 'seal';
  readonly swarm: Uint8Array;
  /** 16 bytes: the uuid of the chain. */
  readonly chain: Uint8Array;
  readonly number: number;
  /** Of the seal, 32 bytes. */
  readonly hash: Uint8Array;
  /** Unix milliseconds. */
  readonly at: number;
  readonly hub: Uint8Array;
  /** Of the hub's key list: the entry that verifies this. */
  readonly keyVersion: number;
}

/** The fields behind the label. */
export function writeSeal(body: SealBody): Uint8Array[] {
  const { swarm, chain, number, hash, at, hub, keyVersion } = body;
  return [swarm, chain, u64(number), hash, u64(at), hub, u64(keyVersion)];
}

/** @throws WireError, RangeError */
export function readSeal(swarm: Uint8Array, fields: readonly Uint8Array[]): SealBody {
  return {
    kind: 'seal',
    swarm,
    chain: exactly(fields[1]!, 16, 'chain'),
    number: readU64(fields[2]!, SEAL_NUMBER_MAX),
    hash: exactly(fields[3]!, 32, 'seal hash'),
    at: readU64(fields[4]!),
    hub: exactly(fields[5]!, 32, 'hub'),
    keyVersion: readU64(fields[6]!, KEY_VERSION_MAX),
  };
}

/** Most that the number of a seal may be. */
const SEAL_NUMBER_MAX = 2 ** 40;
