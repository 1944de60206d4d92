/** Internet addresses as bytes. */
import { isIPv4, isIPv6 } from 'node:net';

/** 4 or 16 bytes, or undefined when the text is no address. */
export function parseAddress(text: string): Buffer | undefined {
  if (isIPv4(text)) return Buffer.from(text.split('.').map(Number));
  if (!isIPv6(text) || text.includes('%')) return undefined;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const words = dotted === null ? text : dotted[1]! + lastWords(dotted[2]!);
  const [before = '', after] = words.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const gap = Array<string>(8 - head.length - tail.length).fill('0');
  const bytes = [...head, ...(after === undefined ? [] : gap), ...tail].flatMap((word) => {
    const value = Number.parseInt(word, 16);
    return [value >> 8, value & 0xff];
  });
  return Buffer.from(bytes);
}

/** An IPv4 address as a whole number, or null. */
export function ipv4ToNumber(text: string): number | null {
  return isIPv4(text) ? parseAddress(text)!.readUInt32BE(0) : null;
}

/** 1 when the address lies in the block ("10.0.0.0/8"), 0 when not, null when either is malformed. */
export function addressInBlock(block: string, address: string): number | null {
  const slash = block.lastIndexOf('/');
  const base = parseAddress(slash < 0 ? block : block.slice(0, slash));
  const inside = parseAddress(address);
  if (base === undefined || inside === undefined) return null;
  const bits = slash < 0 ? base.length * 8 : Number(block.slice(slash + 1));
  if (!Number.isInteger(bits) || bits < 0 || bits > base.length * 8) return null;
  return base.length === inside.length && samePrefix(base, inside, bits) ? 1 : 0;
}

function samePrefix(a: Buffer, b: Buffer, bits: number): boolean {
  const whole = bits >> 3;
  if (!a.subarray(0, whole).equals(b.subarray(0, whole))) return false;
  const mask = 0xff00 >> (bits & 7);
  return ((a[whole] ?? 0) & mask & 0xff) === ((b[whole] ?? 0) & mask & 0xff);
}

function lastWords(dotted: string): string {
  const [a, b, c, d] = dotted.split('.').map(Number) as [number, number, number, number];
  return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
}
