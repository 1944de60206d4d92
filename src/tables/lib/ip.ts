/** IP addresses as the kernel keeps them and as people write them. */
import { endianness } from 'node:os';

/** The text form of 4 or 16 bytes; IPv6 as RFC 5952 with IPv4-mapped ones dotted, as inet_ntop(3). */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups: number[] = [];
  for (let at = 0; at < 16; at += 2) groups.push((bytes[at]! << 8) | bytes[at + 1]!);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${bytes.subarray(12).join('.')}`;
  }
  return compress(groups);
}

/**
 * An address of /proc/net/tcp and its like: 32-bit words in hexadecimal, each printed in the
 * machine's own byte order. Undefined when it is neither 8 nor 32 digits.
 */
export function parseKernelAddress(hex: string): string | undefined {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) return undefined;
  const bytes = Buffer.from(hex, 'hex');
  return formatAddress(endianness() === 'LE' ? bytes.swap32() : bytes);
}

/** 32 digits in network order, as /proc/net/if_inet6 and ipv6_route write them. */
export function parseHexAddress(hex: string): string | undefined {
  return /^[0-9a-f]{32}$/i.test(hex) ? formatAddress(Buffer.from(hex, 'hex')) : undefined;
}

/** The netmask of a prefix length, in the family of `address`. */
export function maskOf(address: string, prefix: number): string {
  const bytes = new Uint8Array(address.includes(':') ? 16 : 4);
  for (let bit = 0; bit < prefix && bit < bytes.length * 8; bit++) {
    bytes[bit >> 3]! |= 0x80 >> (bit & 7);
  }
  return formatAddress(bytes);
}

/** The broadcast address of an IPv4 network; NULL where it has none (/31, /32). */
export function broadcastOf(address: string, mask: string): string | null {
  const maskBytes = mask.split('.').map(Number);
  if (maskBytes[3] === 255 || maskBytes[3] === 254) return null;
  return address
    .split('.')
    .map((byte, index) => Number(byte) | (~(maskBytes[index] ?? 0) & 0xff))
    .join('.');
}

/** How many leading bits of a mask in dotted form are set. */
export function prefixLengthOf(mask: string): number {
  return mask.split('.').reduce((sum, byte) => sum + popCount(Number(byte)), 0);
}

function popCount(byte: number): number {
  return byte.toString(2).replaceAll('0', '').length;
}

/** The longest run of zero groups, of at least two, becomes `::`; the first of equals. */
function compress(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.start < 0) return hex.join(':');
  const head = hex.slice(0, best.start).join(':');
  return `${head}::${hex.slice(best.start + best.length).join(':')}`;
}
