/** resolvers beside what resolvectl 252 showed for the same answers of systemd-resolved, recorded. */
import { expect, test } from 'vitest';

import { resolvedRows, resolvers } from '../../../src/tables/system/resolvers.ts';
import { contextFor, fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

/** DNSEx, FallbackDNSEx and Domains of the manager, as `busctl --json=short get-property` printed them. */
const BUSCTL = [
  '{"type":"a(iiayqs)","data":[[0,2,[9,9,9,9],0,"dns.quad9.net"],[4,2,[10,1,1,1],0,""],[4,10,[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,1],0,""],[4,2,[10,1,1,2],5353,"dns.example.org"]]}',
  '{"type":"a(iiayqs)","data":[[0,2,[1,1,1,1],0,""]]}',
  '{"type":"a(isb)","data":[[4,"example.org",false],[4,"corp.example",true]]}',
];
/** And resolvectl dns, resolvectl domain at that time. */
const RESOLVECTL_DNS = [
  '9.9.9.9#dns.quad9.net',
  '10.1.1.1 2001:db8::1 10.1.1.2:5353#dns.example.org',
];
const RESOLVECTL_DOMAIN = 'example.org ~corp.example';

test('servers and domains of systemd-resolved are those that resolvectl shows', () => {
  const rows = resolvedRows(BUSCTL, new Map([[4, 'eth0']]));
  expectShape(resolvers, rows);
  const servers = (name: string) =>
    rows
      .filter((row) => row.interface === name && row.type === 'server')
      .map(({ value, port, tls_name: tls }) =>
        [value, port === null ? '' : `:${String(port)}`, tls === '' ? '' : `#${String(tls)}`].join(
          '',
        ),
      );
  expect([servers('').join(' '), servers('eth0').join(' ')]).toEqual(RESOLVECTL_DNS);
  const domains = rows
    .filter(({ type }) => type === 'search' || type === 'route')
    .map(({ type, value }) => (type === 'route' ? `~${String(value)}` : value));
  expect(domains.join(' ')).toBe(RESOLVECTL_DOMAIN);
  expect(rows.filter(({ type }) => type === 'fallback')).toMatchObject([{ value: '1.1.1.1' }]);
  expect(rows.map(({ position }) => position)).toEqual([0, 0, 1, 2, 0, 0, 0]);
});

test('an older systemd-resolved tells no ports, and an interface that is gone keeps its number', () => {
  const old = ['{"type":"a(iiay)","data":[[7,2,[10,0,0,1]]]}', '{"type":"a(iiay)","data":[]}'];
  expect(resolvedRows(old, new Map())).toEqual([
    {
      source: 'systemd-resolved',
      interface: '7',
      type: 'server',
      position: 0,
      value: '10.0.0.1',
      port: null,
      tls_name: '',
    },
  ]);
});

test('resolv.conf has its servers and domains; what cannot be asked is warned of', async () => {
  const root = fakeRoot({
    'etc/resolv.conf': 'nameserver 127.0.0.53\nsearch a.example b.example\n',
    'run/systemd/resolve/stub-resolv.conf': '',
  });
  const context = contextFor(resolvers, { root });
  const rows = resolvers.kind === 'snapshot' ? await resolvers.collect(context) : [];
  expect(rows.map(({ type, position, value }) => [type, position, value])).toEqual([
    ['server', 0, '127.0.0.53'],
    ['search', 0, 'a.example'],
    ['search', 1, 'b.example'],
  ]);
  expect(context.warnings).toEqual([expect.stringContaining('only resolv.conf is shown')]);
  await expect(rowsOf(resolvers, { root: fakeRoot({}) })).rejects.toThrow(
    'cannot read /etc/resolv.conf',
  );
});

test('what is no property is an error that quotes it', () => {
  expect(() => resolvedRows(['a(iiay) 0'], new Map())).toThrow(
    'busctl printed "a(iiay) 0", which is not the JSON',
  );
});
