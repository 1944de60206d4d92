/** The SMBIOS structures of the firmware (DMTF DSP0134), from /sys/firmware/dmi/tables/DMI. */
import { TableAbsentError, TableError } from '../types.ts';
import { describeCode, tryRead, type Rooted } from './files.ts';

export interface SmbiosStructure {
  readonly type: number;
  readonly handle: number;
  /** Length of the formatted part. */
  readonly headerSize: number;
  /** Formatted part and strings with their end marks. */
  readonly bytes: Buffer;
  readonly strings: readonly string[];
}

/** @throws TableError when the machine has none or it may not be read */
export function readSmbios(context: Rooted): SmbiosStructure[] {
  const result = tryRead(context, DMI);
  if (result.ok) return parseSmbios(result.bytes);
  if (result.code === 'ENOENT')
    throw new TableAbsentError(`cannot read ${DMI}: this machine has no SMBIOS tables`);
  throw new TableError(`cannot read ${DMI}: ${describeCode(result.code)}`);
}

/** Stops at the end-of-table structure (127) or where a structure would leave the bytes. */
export function parseSmbios(table: Buffer): SmbiosStructure[] {
  const structures: SmbiosStructure[] = [];
  let at = 0;
  while (at + HEADER_BYTES <= table.length) {
    const headerSize = table[at + 1]!;
    const end = endOfStrings(table, at + headerSize);
    if (headerSize < HEADER_BYTES || end === undefined) break;
    const bytes = table.subarray(at, end);
    structures.push({
      type: bytes[0]!,
      handle: bytes.readUInt16LE(2),
      headerSize,
      bytes,
      strings: stringsOf(bytes.subarray(headerSize)),
    });
    if (bytes[0] === END_OF_TABLE) break;
    at = end;
  }
  return structures;
}

/** A field of the formatted part, NULL when the structure is too short (an older version) to have it. */
export function byteAt(structure: SmbiosStructure, offset: number): number | null {
  return offset < structure.headerSize ? structure.bytes[offset]! : null;
}

export function wordAt(structure: SmbiosStructure, offset: number): number | null {
  return offset + 2 <= structure.headerSize ? structure.bytes.readUInt16LE(offset) : null;
}

export function dwordAt(structure: SmbiosStructure, offset: number): number | null {
  return offset + 4 <= structure.headerSize ? structure.bytes.readUInt32LE(offset) : null;
}

/** The string that the number at `offset` refers to; NULL for none. */
export function stringAt(structure: SmbiosStructure, offset: number): string | null {
  const number = byteAt(structure, offset);
  return number === null || number === 0 ? null : (structure.strings[number - 1] ?? null);
}

/** A handle as osquery writes it. */
export function formatHandle(handle: number): string {
  return `0x${handle.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Strings end with a zero byte each and their list with one more; an empty list is two zeros. */
function endOfStrings(table: Buffer, from: number): number | undefined {
  for (let at = from; at + 1 < table.length; at++) {
    if (table[at] === 0 && table[at + 1] === 0) return at + 2;
  }
  return undefined;
}

function stringsOf(bytes: Buffer): string[] {
  const text = bytes.subarray(0, -2).toString('utf8');
  return text === '' ? [] : text.split('\0').map((string) => string.trim());
}

const DMI = '/sys/firmware/dmi/tables/DMI';
const HEADER_BYTES = 4;
const END_OF_TABLE = 127;
