/** nft_rules beside nft itself, in a machine whose packet filter nothing else has. */
import { expect, test } from 'vitest';

import { nftRows, nftRules } from '../../../src/tables/system/nft-rules.ts';
import { boot, canBoot } from '../../helpers/booted.ts';
import { has, only } from '../../helpers/needs.ts';
import { fakeRoot, rowsOf } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const RULES = `table inet odd {
  counter named { packets 5 bytes 6 }
  set friends { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }
  chain input {
    type filter hook input priority filter + 5; policy drop;
    ct state established,related accept comment "old # handle 3"
    tcp dport { 22, 80, 443 } counter packets 7 bytes 420 accept
    ip saddr @friends counter name "named" jump mine
    tcp dport vmap { 1 : accept, 2 : drop, 3 : continue }
    meta mark 0x00000001 log prefix "a { b"
  }
  chain mine {
    comment "made by hand"
    ip6 saddr 2001:db8::/32 drop
  }
}
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat; policy accept;
    masquerade
  }
}
`;

only(canBoot() && has('nft'), 'as root where a systemd can be started and nft is')(
  'chains and rules are those that nft lists, and give the same filter again',
  async () => {
    const machine = await boot();
    try {
      machine.print('sh', '-ec', `cat > /tmp/rules <<'END'\n${RULES}END\nnft -f /tmp/rules`);
      const { rows } = machine.rows('nft_rules');
      expectShape(nftRules, rows);
      expect(rows.find(({ chain, position }) => chain === 'input' && position === 0)).toEqual({
        family: 'inet',
        table_name: 'odd',
        chain: 'input',
        chain_type: 'filter',
        hook: 'input',
        priority: 5,
        policy: 'drop',
        position: 0,
        handle: expect.any(Number) as number,
        rule: '',
        comment: '',
      });
      const input = rows.filter(({ chain, position }) => chain === 'input' && position !== 0);
      expect(input.map(({ packets, bytes, comment }) => [packets, bytes, comment])).toEqual([
        [null, null, 'old # handle 3'],
        [7, 420, ''],
        [null, null, ''],
        [null, null, ''],
        [null, null, ''],
      ]);
      // Each rule by itself, given to nft in a chain of its own, is listed as it was.
      const listed = (table: string) =>
        machine
          .print('nft', '-s', 'list', 'chain', 'inet', table, 'input')
          .split('\n')
          .filter((line) => line.startsWith('\t\t') && !line.includes('type filter'))
          .map((line) =>
            line
              .replace(/ comment ".*"$/, '')
              .replace(/counter packets.*? accept/, 'counter accept'),
          );
      for (const rule of [
        'counter inet copy named',
        'chain inet copy mine',
        'chain inet copy input',
      ])
        machine.print('nft', `add table inet copy; add ${rule}`);
      machine.print('nft', 'add set inet copy friends { type ipv4_addr; }');
      for (const { rule } of input)
        machine.print('nft', `add rule inet copy input ${String(rule)}`);
      expect(listed('copy')).toEqual(listed('odd'));
      expect(rows.filter(({ table_name: name }) => name === 'nat')).toMatchObject([
        { chain: 'post', hook: 'postrouting', chain_type: 'nat', priority: 100, rule: '' },
        { chain: 'post', rule: 'masquerade', position: 1 },
      ]);
    } finally {
      machine.stop();
    }
  },
);

test('a rule that the listing has not any more is told by its expression', () => {
  const json = JSON.stringify({
    nftables: [
      { metainfo: { version: '1.0.6' } },
      { chain: { family: 'ip', table: 't', name: 'c', handle: 1 } },
      { rule: { family: 'ip', table: 't', chain: 'c', handle: 2, expr: [{ drop: null }] } },
    ],
  });
  expect(nftRows(json, '')).toMatchObject([
    { chain: 'c', hook: '', priority: null },
    { chain: 'c', rule: '[{"drop":null}]', packets: null },
  ]);
});

test('nft cannot be asked about another root', async () => {
  await expect(rowsOf(nftRules, { root: fakeRoot({}) })).rejects.toThrow('nft cannot be run');
});

test('what is no ruleset is an error that quotes it', () => {
  for (const odd of ['', '{}', 'netlink: Error'])
    expect(() => nftRows(odd, '')).toThrow(
      `nft printed ${JSON.stringify(odd)}, which is not the JSON`,
    );
});
