/** nft_rules: the packet filter as nft(8) has it. */
import { integer, load, text } from '../lib/columns.ts';
import { printedObject } from '../lib/json.ts';
import { runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type Row, type SnapshotTable, type Value } from '../types.ts';

export const nftRules: SnapshotTable = {
  kind: 'snapshot',
  name: 'nft_rules',
  description:
    'Chains and rules of nftables with their counters, from nft(8), those that iptables-nft and firewalld ' +
    'made included; needs root. A chain has a row of its own, whose rule is empty.',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['family', 'table_name', 'chain', 'handle', 'rule'],
  columns: [
    text('family', 'ip, ip6, inet, arp, bridge or netdev.'),
    text('table_name', 'Table of the filter.'),
    text('chain', 'Chain.'),
    text('chain_type', 'filter, nat or route; empty for a chain that others jump to.'),
    text('hook', 'Where packets enter it: input, forward, output ...; empty as before.'),
    integer('priority', 'Its place among the chains of a hook, the lowest first; NULL as before.'),
    text('policy', 'What happens to packets that no rule took; empty as before.'),
    integer('position', 'Place of the rule in its chain, from 1; 0 for the chain itself.'),
    integer('handle', 'Number by which nft deletes the rule or chain.'),
    text('rule', 'The rule as nft shows it, without counters; empty for a chain.'),
    load(integer('packets', 'Packets its counter has counted; NULL without one.')),
    load(integer('bytes', 'Bytes its counter has counted; NULL without one.')),
    text('comment', 'What somebody wrote beside it.'),
  ],
  async collect(context): Promise<Row[]> {
    const outputs: string[] = [];
    // Twice: only JSON has fields, and only the other what people write.
    for (const args of [
      ['-j', 'list', 'ruleset'],
      ['-a', '-s', 'list', 'ruleset'],
    ]) {
      const { code, stdout, stderr } = await runProgram(context, 'nft', args);
      if (code !== 0)
        throw new TableError(
          `nft ${args.join(' ')} failed: ${lines(stderr)[0] ?? `exit code ${code}`}`,
        );
      outputs.push(stdout);
    }
    return nftRows(outputs[0]!, outputs[1]!);
  },
};

/** The JSON of libnftables-json(5), and `nft -a -s list ruleset` for the words of rules. */
export function nftRows(json: string, listing: string): Row[] {
  const words = ruleTexts(listing);
  const chains = new Map<string, Row>();
  const positions = new Map<string, number>();
  const nftables = printedObject('nft', json, 'nftables')['nftables'] as unknown as Entry[];
  return nftables.flatMap(({ chain, rule }): Row[] => {
    if (chain !== undefined) {
      const row = chainRow(chain);
      chains.set(`${chain.family} ${chain.table} ${chain.name}`, row);
      return [
        { ...row, position: 0, handle: chain.handle, rule: '', comment: chain.comment ?? '' },
      ];
    }
    if (rule === undefined) return [];
    const place = `${rule.family} ${rule.table} ${rule.chain}`;
    const position = (positions.get(place) ?? 0) + 1;
    positions.set(place, position);
    const counter = rule.expr?.find((one) => one.counter !== undefined)?.counter;
    const counts = typeof counter === 'object' && counter !== null ? counter : undefined;
    return [
      {
        ...chains.get(place),
        position,
        handle: rule.handle,
        rule: words.get(`${place} ${rule.handle}`) ?? JSON.stringify(rule.expr ?? []),
        packets: counts?.packets ?? null,
        bytes: counts?.bytes ?? null,
        comment: rule.comment ?? '',
      },
    ];
  });
}

interface Entry {
  readonly chain?: Chain;
  readonly rule?: Rule;
}

interface Chain {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly handle: number;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: string;
  readonly comment?: string;
}

interface Rule {
  readonly family: string;
  readonly table: string;
  readonly chain: string;
  readonly handle: number;
  readonly comment?: string;
  /** A named counter is a text. */
  readonly expr?: readonly { counter?: { packets: number; bytes: number } | string | null }[];
}

function chainRow(chain: Chain): Record<string, Value> {
  return {
    family: chain.family,
    table_name: chain.table,
    chain: chain.name,
    chain_type: chain.type ?? '',
    hook: chain.hook ?? '',
    priority: chain.prio ?? null,
    policy: chain.policy ?? '',
  };
}

/** `family table chain handle` to the rule's words, without its handle and comment. */
function ruleTexts(listing: string): Map<string, string> {
  const found = new Map<string, string>();
  let table = '';
  let chain = '';
  let begun = '';
  for (const line of lines(listing)) {
    const opened = /^(?:table (\S+ \S+)|\t(\S+) (\S+)) \{(?: # handle \d+)?$/.exec(line);
    if (opened !== null && begun === '') {
      if (opened[1] !== undefined) table = opened[1];
      // Sets, maps and counters have elements, no rules.
      chain = opened[2] === 'chain' ? opened[3]! : '';
      continue;
    }
    if (chain === '' || !line.startsWith('\t\t')) continue;
    // A long set goes on in lines of its own: the handle ends a rule.
    begun = begun === '' ? line.trim() : `${begun} ${line.trim()}`;
    const [, text, handle] = /^(.*) # handle (\d+)$/.exec(begun) ?? [];
    if (handle !== undefined)
      found.set(`${table} ${chain} ${handle}`, text!.replace(/ comment "[^"]*"$/, ''));
    else if (/^(?:type .*;|policy .*;|comment ".*"|flags .*;)$/.test(begun)) begun = '';
    if (handle !== undefined) begun = '';
  }
  return found;
}
