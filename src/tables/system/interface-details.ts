import { bigint, elsewhere, integer, load, text } from '../lib/columns.ts';
import { listDir, readAttribute, statOf, type Rooted } from '../lib/files.ts';
import { hexOrNull, integerOrNull } from '../lib/numbers.ts';
import { pciSlotOf } from '../lib/sysfs.ts';
import { TableError, type Row, type SnapshotTable } from '../types.ts';

export const interfaceDetails: SnapshotTable = {
  kind: 'snapshot',
  name: 'interface_details',
  description: 'Network interfaces: hardware address, state and counters, from /sys/class/net.',
  cost: 'cheap',
  key: ['interface'],
  columns: [
    text('interface', 'Name of the interface.'),
    text('mac', 'Hardware address.', { collate: 'nocase' }),
    integer('type', 'Hardware type, ARPHRD_ of linux/if_arp.h: 1 Ethernet, 772 loopback.'),
    integer('mtu', 'Largest packet in bytes.'),
    integer('metric', 'Metric; Linux keeps none, always 0.'),
    integer('flags', 'Flags of netdevice(7), IFF_UP 1, IFF_RUNNING 64 and so on.'),
    load(bigint('ipackets', 'Packets received.')),
    load(bigint('opackets', 'Packets sent.')),
    load(bigint('ibytes', 'Bytes received.')),
    load(bigint('obytes', 'Bytes sent.')),
    load(bigint('ierrors', 'Packets received with errors.')),
    load(bigint('oerrors', 'Packets that could not be sent.')),
    load(bigint('idrops', 'Received packets dropped.')),
    load(bigint('odrops', 'Packets dropped instead of sent.')),
    load(bigint('collisions', 'Collisions.')),
    load(bigint('last_change', 'When it last changed; Linux does not say, always -1.')),
    bigint('link_speed', 'Speed of the link in Mb/s, where known.'),
    text('pci_slot', 'PCI slot of the device; -1 for loopback, empty for others without.'),
    ...windowsColumns(),
  ],
  collect(context): Row[] {
    // bonding_masters and the like are files among the interfaces' folders.
    const names = listDir(context, NET).filter((name) =>
      statOf(context, `${NET}/${name}`)?.isDirectory(),
    );
    if (names.length === 0) throw new TableError('no interface is seen: /sys is not mounted');
    return names.map((name) => interfaceRow(context, name));
  },
};

function interfaceRow(context: Rooted, name: string): Row {
  const attribute = (file: string): string | null =>
    readAttribute(context, `${NET}/${name}/${file}`);
  const count = (file: string): number | bigint | null =>
    integerOrNull(attribute(`statistics/${file}`));
  const speed = integerOrNull(attribute('speed'));
  const type = integerOrNull(attribute('type'));
  return {
    interface: name,
    mac: attribute('address'),
    type,
    mtu: integerOrNull(attribute('mtu')),
    metric: 0,
    flags: flagsOf(attribute),
    ipackets: count('rx_packets'),
    opackets: count('tx_packets'),
    ibytes: count('rx_bytes'),
    obytes: count('tx_bytes'),
    ierrors: count('rx_errors'),
    oerrors: count('tx_errors'),
    idrops: count('rx_dropped'),
    odrops: count('tx_dropped'),
    collisions: count('collisions'),
    last_change: -1,
    link_speed: speed !== null && speed > 0 ? speed : null,
    // Loopback has no driver to ask.
    pci_slot: pciSlotOf(context, `${NET}/${name}/device`) ?? (type === LOOPBACK ? '-1' : ''),
  };
}

/** sysfs leaves out the flags the kernel works out when asked: dev_get_flags() in net/core/dev.c. */
function flagsOf(attribute: (file: string) => string | null): number | null {
  const flags = hexOrNull(attribute('flags'));
  if (flags === null || (flags & IFF_UP) === 0) return flags;
  const operational = /^(up|unknown)$/.test(attribute('operstate') ?? '');
  return (
    flags |
    (operational ? IFF_RUNNING : 0) |
    (attribute('carrier') === '1' ? IFF_LOWER_UP : 0) |
    (attribute('dormant') === '1' ? IFF_DORMANT : 0)
  );
}

function windowsColumns() {
  const named = (name: string, doc: string) => elsewhere('windows', text(name, doc));
  const number = (name: string, doc: string) => elsewhere('windows', integer(name, doc));
  return [
    named('friendly_name', 'Name shown to people'),
    named('description', 'Short description'),
    named('manufacturer', 'Maker of the adapter'),
    named('connection_id', 'Name of the connection'),
    named('connection_status', 'State of the connection'),
    number('enabled', 'Whether the adapter is enabled'),
    number('physical_adapter', 'Whether the adapter is a physical one'),
    number('speed', 'Bits per second'),
    named('service', 'Service of the adapter'),
    number('dhcp_enabled', 'Whether DHCP is enabled'),
    named('dhcp_lease_expires', 'End of the DHCP lease'),
    named('dhcp_lease_obtained', 'Start of the DHCP lease'),
    named('dhcp_server', 'DHCP server'),
    named('dns_domain', 'DNS domain'),
    named('dns_domain_suffix_search_order', 'DNS suffixes searched'),
    named('dns_host_name', 'DNS host name'),
    named('dns_server_search_order', 'DNS servers'),
  ];
}

const NET = '/sys/class/net';
/** ARPHRD_LOOPBACK of linux/if_arp.h. */
const LOOPBACK = 772;
const IFF_UP = 0x1;
const IFF_RUNNING = 0x40;
const IFF_LOWER_UP = 0x1_0000;
const IFF_DORMANT = 0x2_0000;
