/** Addresses as people write them. */

/** TCP; where nothing else is said. */
export const DEFAULT_PORT = 7411;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, `[v6]:port`. @throws Error whose message says what is allowed */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-f:.%]+)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65535) {
    throw new Error('host:port, with [brackets] around an IPv6 address, e.g. 10.0.0.5:7411');
  }
  return { host: match[1] ?? match[2]!, port };
}

export function formatAddress(address: Address): string {
  return address.host.includes(':')
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`;
}
