/** MEMBER: what a member says about itself (docs/protocol.md section 7). */
import { ADMISSION_BYTES } from './admission.ts';
import { concat, readU64, u64, utf8 } from './bytes.ts';
import { atMost, flag, text } from './field-readers.ts';
import { exactly } from './fields.ts';
import { pack, unpack } from './pack.ts';
import type { Packable } from './pack.ts';

export interface MemberBody {
  readonly kind: 'member';
  readonly swarm: Uint8Array;
  readonly node: Uint8Array;
  /** Newest key entry as signed; its sign key verifies this record. */
  readonly entry: Uint8Array;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly hub: boolean;
  readonly incarnation: number;
  readonly bootId: Uint8Array;
  readonly state: 'alive' | 'left';
  /** What requests to this member are sealed to. */
  readonly prekey: ShownPrekey | undefined;
  /** Its newest admission by a token, 72 bytes; empty where only rolls admitted it. */
  readonly admission: Uint8Array;
}

export interface ShownPrekey {
  /** Unix milliseconds, by the clock of the member. */
  readonly made: number;
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** The fields behind the label. */
export function writeMember(body: MemberBody): Uint8Array[] {
  return [
    body.swarm,
    body.node,
    body.entry,
    utf8(body.name),
    pack([...body.addresses]),
    pack(body.labels as Packable),
    utf8(body.version),
    Uint8Array.of(body.hub ? 1 : 0),
    u64(body.incarnation),
    body.bootId,
    Uint8Array.of(body.state === 'left' ? 1 : 0),
    writePrekey(body.prekey),
    body.admission,
  ];
}

/** @throws WireError, RangeError */
export function readMember(swarm: Uint8Array, fields: readonly Uint8Array[]): MemberBody {
  return {
    kind: 'member',
    swarm,
    node: exactly(fields[1]!, 32, 'node'),
    entry: atMost(fields[2]!, 4096, 'entry'),
    name: text(fields[3]!, 255),
    addresses: readAddresses(unpack(fields[4]!)),
    labels: readLabels(unpack(fields[5]!)),
    version: text(fields[6]!, 64),
    hub: flag(fields[7]!),
    incarnation: readU64(fields[8]!),
    bootId: exactly(fields[9]!, 16, 'boot id'),
    state: flag(fields[10]!) ? 'left' : 'alive',
    prekey: readPrekey(fields[11]!),
    admission: readAdmission(fields[12]!),
  };
}

/** Nothing, or the time and the key. */
function writePrekey(prekey: ShownPrekey | undefined): Uint8Array {
  return prekey === undefined
    ? new Uint8Array(0)
    : concat(u64(prekey.made), exactly(prekey.publicKey, 32, 'prekey'));
}

function readPrekey(bytes: Uint8Array): ShownPrekey | undefined {
  if (bytes.length === 0) return undefined;
  const made = readU64(exactly(bytes, 40, 'prekey').subarray(0, 8));
  return { made, publicKey: bytes.subarray(8) };
}

function readAdmission(bytes: Uint8Array): Uint8Array {
  return bytes.length === 0 ? bytes : exactly(bytes, ADMISSION_BYTES, 'admission');
}

const ADDRESSES_MAX = 16;
const LABELS_MAX = 64;

function readAddresses(value: Packable): string[] {
  if (!Array.isArray(value) || value.length > ADDRESSES_MAX) throw new RangeError('addresses');
  return value.map((address: Packable) => {
    if (typeof address !== 'string' || address.length > 255) throw new RangeError('address');
    return address;
  });
}

function readLabels(value: Packable): Record<string, string> {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new RangeError('labels');
  }
  const labels = Object.entries(value as Record<string, Packable>);
  if (labels.length > LABELS_MAX) throw new RangeError('too many labels');
  return Object.fromEntries(
    labels.map(([key, label]) => {
      if (typeof label !== 'string' || key.length > 63 || label.length > 255) {
        throw new RangeError('label');
      }
      return [key, label];
    }),
  );
}
