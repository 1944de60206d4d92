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
    entry: atMost(fields[2]!, ENTRY_BYTES_MAX, 'entry'),
    name: text(fields[3]!, 255),
    addresses: readAddresses(unpack(fields[4]!)),
    labels: readLabels(unpack(atMost(fields[5]!, LABELS_BYTES_MAX, 'labels'))),
    version: plain(text(fields[6]!, VERSION_MAX)),
    hub: flag(fields[7]!),
    incarnation: readU64(fields[8]!, INCARNATION_MAX),
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

/** Most that an incarnation may be, as wall seconds the year 36812: the step above it stays exact. */
export const INCARNATION_MAX = 2 ** 40;
/** Largest MEMBER record, bytes. */
export const MEMBER_BYTES_MAX = 8 * 1024;
export const ADDRESSES_MAX = 8;
export const LABELS_MAX = 64;
/** Of a label: letters of its name and of its text. */
export const LABEL_NAME_MAX = 63;
export const LABEL_TEXT_MAX = 255;
/** All labels of a member, packed. */
export const LABELS_BYTES_MAX = 4 * 1024;
const ENTRY_BYTES_MAX = 1024;
const VERSION_MAX = 64;
const ADDRESS_MAX = 255;

function readAddresses(value: Packable): string[] {
  if (!Array.isArray(value) || value.length > ADDRESSES_MAX) throw new RangeError('addresses');
  return value.map((address: Packable) => {
    if (typeof address !== 'string' || !isMemberAddress(address)) throw new RangeError('address');
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
      if (typeof label !== 'string' || !isLabel(key, label)) throw new RangeError('label');
      return [key, label];
    }),
  );
}

/** A label that a member may show. */
export function isLabel(name: string, label: string): boolean {
  const fits = name.length <= LABEL_NAME_MAX && label.length <= LABEL_TEXT_MAX;
  return fits && !CONTROL.test(name) && !CONTROL.test(label);
}

/**
 * `host:port` that a member may show: a name or an address of one host. What every host would dial
 * in vain, or what would reach many at once, is none.
 */
export function isMemberAddress(address: string): boolean {
  const match = /^(?:\[([^\s[\]]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(address);
  if (match === null || address.length > ADDRESS_MAX || CONTROL.test(address)) return false;
  const [, six, host, port] = match;
  if (Number(port) < 1 || Number(port) > 65_535) return false;
  return six === undefined ? !NOBODY_4.test(host!) : !NOBODY_6.test(six);
}

/** "This host", multicast, reserved, broadcast. */
const NOBODY_4 = /^(?:0|22[4-9]|23\d|24\d|25[0-5])(?:\.\d{1,3}){3}$/;
const NOBODY_6 = /^(?:::|0*(?::0*){2,7}|ff.*)$/i;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

function plain(text: string): string {
  if (CONTROL.test(text)) throw new RangeError('control character');
  return text;
}
