/** Login records, utmp(5). */
import { arch } from 'node:process';

export interface LoginRecord {
  readonly type: number;
  readonly pid: number;
  readonly tty: string;
  readonly user: string;
  readonly host: string;
  /** Unix time in seconds. */
  readonly time: number;
}

/** Records in the order of the file; a torn last one is left out. */
export function parseUtmp(bytes: Buffer): LoginRecord[] {
  const layout = layoutOf(bytes.length);
  const records: LoginRecord[] = [];
  for (let at = 0; at + layout.size <= bytes.length; at += layout.size) {
    records.push(parseRecord(bytes.subarray(at, at + layout.size), layout));
  }
  return records;
}

interface Layout {
  readonly size: number;
  readonly timeOffset: number;
}

function parseRecord(bytes: Buffer, layout: Layout): LoginRecord {
  return {
    type: bytes.readInt16LE(0),
    pid: bytes.readInt32LE(4),
    tty: textAt(bytes, 8, 32),
    user: textAt(bytes, 44, 32),
    host: textAt(bytes, 76, 256),
    // Taken as unsigned it lasts until 2106.
    time: bytes.readUInt32LE(layout.timeOffset),
  };
}

function textAt(bytes: Buffer, offset: number, length: number): string {
  const field = bytes.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return field.subarray(0, end < 0 ? length : end).toString('utf8');
}

/**
 * glibc keeps 32-bit times in the file where it also runs 32-bit programs (x86), and wider ones on
 * the younger 64-bit architectures. A file from elsewhere shows by its length.
 */
function layoutOf(length: number): Layout {
  const [own, other] = WIDE_ARCHS.has(arch) ? [WIDE, NARROW] : [NARROW, WIDE];
  return length % own.size !== 0 && length % other.size === 0 ? other : own;
}

const NARROW: Layout = { size: 384, timeOffset: 340 };
const WIDE: Layout = { size: 400, timeOffset: 344 };
const WIDE_ARCHS = new Set<string>(['arm64', 'riscv64', 'loong64']);
