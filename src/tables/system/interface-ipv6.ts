import { integer, text } from '../lib/columns.ts';
import { listDir, readAttribute } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const interfaceIpv6: SnapshotTable = {
  kind: 'snapshot',
  name: 'interface_ipv6',
  description: 'IPv6 settings of the network interfaces.',
  cost: 'cheap',
  key: ['interface'],
  columns: [
    text('interface', 'Name of the interface.'),
    integer('hop_limit', 'Hop limit of packets sent.'),
    integer('forwarding_enabled', '1 when packets are forwarded, else 0.'),
    integer('redirect_accept', '1 when ICMP redirects are accepted, else 0.'),
    integer('rtadv_accept', '1 when router advertisements are accepted, else 0.'),
  ],
  collect(context): Row[] {
    // `all` and `default` are no interfaces.
    const names = listDir(context, CONF).filter((name) => name !== 'all' && name !== 'default');
    if (names.length === 0) throw new TableAbsentError('IPv6 is not enabled in this kernel');
    return names.map((name) => {
      const setting = (file: string) =>
        integerOrNull(readAttribute(context, `${CONF}/${name}/${file}`));
      const advertisements = setting('accept_ra');
      return {
        interface: name,
        hop_limit: setting('hop_limit'),
        forwarding_enabled: setting('forwarding'),
        redirect_accept: setting('accept_redirects'),
        // 2 accepts them though the host forwards.
        rtadv_accept: advertisements === null ? null : advertisements > 0 ? 1 : 0,
      };
    });
  },
};

const CONF = '/proc/sys/net/ipv6/conf';
