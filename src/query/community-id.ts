/** Community ID v1: one name for a network flow, whichever end saw it. https://github.com/corelight/community-id-spec */
import { createHash } from 'node:crypto';
import { parseAddress } from './ip-functions.ts';

export interface Flow {
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
  readonly seed: number;
}

/** "1:" and the base64 of a SHA-1; null when an address or port is none. */
export function communityId(flow: Flow): string | null {
  const source = parseAddress(flow.source);
  const destination = parseAddress(flow.destination);
  if (source === undefined || destination === undefined) return null;
  if (![flow.sourcePort, flow.destinationPort, flow.seed].every(isUint16)) return null;
  if (!Number.isInteger(flow.protocol) || flow.protocol < 0 || flow.protocol > 255) return null;
  const ends = [
    Buffer.concat([source, uint16(flow.sourcePort)]),
    Buffer.concat([destination, uint16(flow.destinationPort)]),
  ].sort(Buffer.compare) as [Buffer, Buffer];
  const [low, high] = ends;
  const body = Buffer.concat([
    uint16(flow.seed),
    low.subarray(0, -2),
    high.subarray(0, -2),
    Buffer.from([flow.protocol, 0]),
    low.subarray(-2),
    high.subarray(-2),
  ]);
  return `1:${createHash('sha1').update(body).digest('base64')}`;
}

function isUint16(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 0xffff;
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
