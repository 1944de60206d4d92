/** Addresses as people write them: `host:port`, with brackets around IPv6 (RFC 3986, section 3.2.2). */

/** TCP; where swarmplane listens and dials when nothing else is said. */
export const DEFAULT_PORT = 7411;

export interface Address {
  /** A name, an IPv4 address, or an IPv6 address without brackets, with its zone if it has one. */
  readonly host: string;
  /** 0 lets the system choose, where somebody listens. */
  readonly port: number;
}

/** Undefined where it is none. */
export function parseAddress(text: string): Address | undefined {
  const match = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || host.length > HOST_MAX || port > 65_535) return undefined;
  return { host, port };
}

export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Of a name in DNS (RFC 1035, section 2.3.4). */
const HOST_MAX = 255;

/** What every message about a wrong address says. */
export const ADDRESS_FORM =
  'host:port, with [brackets] around an IPv6 address, e.g. 192.0.2.7:7411 or [2001:db8::7]:7411';
