import { text } from '../lib/columns.ts';
import { requireText } from '../lib/files.ts';
import { hexOrNull } from '../lib/numbers.ts';
import { fields, lines } from '../lib/text.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const arpCache: SnapshotTable = {
  kind: 'snapshot',
  name: 'arp_cache',
  description: 'Hardware addresses of IPv4 neighbours, from /proc/net/arp.',
  cost: 'cheap',
  key: ['address', 'interface'],
  columns: [
    text('address', 'IPv4 address.'),
    text('mac', 'Hardware address; zeros while it is being asked for.', { collate: 'nocase' }),
    text('interface', 'Interface the neighbour is on.'),
    text('permanent', '1 when it was entered by hand, else 0.'),
  ],
  collect(context): Row[] {
    const [, ...entries] = lines(requireText(context, '/proc/net/arp'));
    return entries.map(fields).flatMap(([address, , flags, mac, , name]) => {
      if (address === undefined || name === undefined) return [];
      const permanent = ((hexOrNull(flags) ?? 0) & ATF_PERM) !== 0 ? '1' : '0';
      return [{ address, mac: mac!, interface: name, permanent }];
    });
  },
};

/** net/if_arp.h */
const ATF_PERM = 0x4;
