/** The network that an address belongs to, as budgets and the choice of witnesses count it. */

/** Where a connection comes from, at three widths that shares are counted by. */
export interface Source {
  /**
   * What one customer of a provider has: /48 of IPv6. Of IPv4 it is the /24: whoever shares a wider one
   * has nothing to do with each other, and a flood from some of it would put out the honest hosts there.
   */
  readonly block: string;
  readonly network: string;
  readonly address: string;
}

export function sourceOf(host: string): Source {
  const network = networkOf(host);
  const address = host.replace(/^::ffff:(?=\d+\.)/i, '');
  const customer = /^(\w+:\w+:\w+):\w+::\/64$/.exec(network)?.[1];
  return { block: customer === undefined ? network : `${customer}::/48`, network, address };
}

/** /24 of IPv4 (also when mapped into IPv6), /64 of IPv6, anything else (a host name) as it is. */
export function networkOf(host: string): string {
  const v4 = /^(?:::ffff:)?(\d+\.\d+\.\d+)\.\d+$/i.exec(host)?.[1];
  if (v4 !== undefined) return `${v4}.0/24`;
  return IPV6.test(host) ? `${firstGroups(host).join(':')}::/64` : host;
}

const IPV6 = /^[0-9a-f]*:[0-9a-f:.]*(?:%.*)?$/i;

/** The first four 16-bit groups of an IPv6 address, `::` expanded. */
function firstGroups(address: string): string[] {
  const [head = '', tail] = address.split('%')[0]!.toLowerCase().split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const dotted = after.some((group) => group.includes('.')) ? 1 : 0;
  const missing = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length - dotted);
  const zeros: string[] = Array.from({ length: missing }, () => '0');
  return [...before, ...zeros, ...after]
    .slice(0, 4)
    .map((group) => String(parseInt(group, 16).toString(16)));
}
