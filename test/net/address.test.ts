import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress } from '../../src/base/index.ts';
import { defaultAdvertised, dialledAddress } from '../../src/net/address.ts';
import { networkOf, sourceOf } from '../../src/wire/index.ts';

describe('addresses', () => {
  test.each([
    ['127.0.0.1:4747', { host: '127.0.0.1', port: 4747 }],
    ['db-1.example.org:1', { host: 'db-1.example.org', port: 1 }],
    ['[2001:db8::7]:65535', { host: '2001:db8::7', port: 65_535 }],
    ['[fe80::1%eth0]:80', { host: 'fe80::1%eth0', port: 80 }],
  ])('%s is read', (text, expected) => {
    expect(dialledAddress(text)).toEqual(expected);
  });

  test.each([
    '',
    'host',
    'host:',
    ':80',
    'host:0',
    'host:65536',
    '2001:db8::7:80',
    'http://a:80',
    'a b:1',
  ])("'%s' is refused with its text and a hint", (text) => {
    expect(() => dialledAddress(text)).toThrow(
      expect.objectContaining({
        code: 'bad_address',
        message: expect.stringContaining(`'${text}'`) as string,
        hint: expect.stringContaining('host:port') as string,
      }),
    );
  });

  test.each([
    ['192.0.2.77', '192.0.2.0/24'],
    ['::ffff:192.0.2.77', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::5%eth0', 'fe80:0:0:0::/64'],
  ])('%s is counted under %s', (address, prefix) => {
    expect(networkOf(address)).toBe(prefix);
  });

  test('one listen address is what others dial; all of them means the outward ones', () => {
    expect(defaultAdvertised('192.0.2.7', 47)).toEqual(['192.0.2.7:47']);
    expect(formatAddress({ host: '2001:db8::7', port: 47 })).toBe('[2001:db8::7]:47');
    const all = defaultAdvertised('0.0.0.0', 47);
    expect(all.length).toBeGreaterThan(0);
    for (const address of all) expect(parseAddress(address)?.port).toBe(47);
    expect(all).not.toContain('0.0.0.0:47');
  });

  test.each([
    ['192.0.2.77', '192.0.2.0/24', '192.0.2.77'],
    ['::ffff:192.0.2.77', '192.0.2.0/24', '192.0.2.77'],
    ['2001:DB8:1:2::6', '2001:db8:1::/48', '2001:DB8:1:2::6'],
    ['unknown', 'unknown', 'unknown'],
  ])('%s is counted in its block, network and address', (host, block, address) => {
    expect(sourceOf(host)).toEqual({ block, network: networkOf(host), address });
  });
});
