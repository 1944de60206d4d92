/** Whom to dial, and what others dial to reach this host. */
import { networkInterfaces } from 'node:os';
import { ADDRESS_FORM, formatAddress, parseAddress, type Address } from '../base/index.ts';
import { NetError } from './errors.ts';

/** @throws NetError `bad_address` */
export function dialledAddress(text: string): Address {
  const address = parseAddress(text);
  if (address !== undefined && address.port > 0) return address;
  throw new NetError('bad_address', `not an address: '${text.slice(0, 80)}'`, {
    hint: `write ${ADDRESS_FORM}`,
  });
}

/** What others dial when nothing is configured: the listen address, or each outward interface address. */
export function defaultAdvertised(listenHost: string, port: number): string[] {
  if (listenHost !== '0.0.0.0' && listenHost !== '::')
    return [formatAddress({ host: listenHost, port })];
  const outward = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((one) => !one.internal && !one.address.startsWith('fe80:'))
    .filter((one) => listenHost === '::' || one.family === 'IPv4')
    .map((one) => formatAddress({ host: one.address, port }));
  return outward.length > 0 ? outward.slice(0, ADVERTISED_MAX) : [`127.0.0.1:${port}`];
}

/** Enough for every real network of a host; container hosts can have hundreds of bridges. */
const ADVERTISED_MAX = 8;
