/** Addresses as people write them, `host:port`, and the prefixes that budgets count by. */
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import { NetError } from './errors.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** @throws NetError `bad_address` */
export function parseAddress(text: string): HostPort {
  const match = /^(?:\[([0-9a-f:.%\w]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || host.length > 255 || port < 1 || port > 65_535) {
    throw new NetError('bad_address', `not an address: '${text.slice(0, 80)}'`, {
      hint: 'write host:port, for example 192.0.2.7:7411 or [2001:db8::7]:7411',
    });
  }
  return { host, port };
}

export function formatAddress(host: string, port: number): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What others dial when nothing is configured: the listen address, or each outward interface address. */
export function defaultAdvertised(listenHost: string, port: number): string[] {
  if (listenHost !== '0.0.0.0' && listenHost !== '::') return [formatAddress(listenHost, port)];
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => !one.internal && !one.address.startsWith('fe80:'))
    .filter((one) => listenHost === '::' || one.family === 'IPv4')
    .map((one) => formatAddress(one.address, port));
  return outward.length > 0 ? outward.slice(0, ADVERTISED_MAX) : [`127.0.0.1:${port}`];
}

/** Enough for every real network of a host; container hosts can have hundreds of bridges. */
const ADVERTISED_MAX = 8;
