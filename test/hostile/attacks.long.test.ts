/**
 * Each attack of one member on five real nodes: the fleet answers whole meanwhile, an alarm names the
 * member, and when it is expelled every book counts what it did before.
 */
import { afterEach, expect, test } from 'vitest';
import { stopAll, until } from '../net/swarm-nodes.ts';
import type { TestNode } from '../net/swarm-nodes.ts';
import { ATTACKS } from './attacks.ts';
import { Fleet } from './fleet.ts';

let fleet: Fleet | undefined;
afterEach(async () => {
  fleet?.stop();
  await stopAll();
});

/** What the nodes remember of their own requests, and of what the operator did since, is theirs. */
const OWN: ReadonlySet<string> = new Set([
  'seen',
  'alarms',
  'seals',
  'probed',
  'probers',
  'workers',
]);

/** What was asked before and meanwhile is under way until its time is over. */
const QUIET = { live: 0, liveBytes: 0, keptBytes: 0 };

function booksOf({ node }: TestNode): Record<string, number> {
  const books = Object.entries(node.books());
  return Object.fromEntries(books.filter(([name]) => !OWN.has(name)));
}

test.each(Object.entries(ATTACKS))(
  'a member that %s costs what one member is',
  async (_, attack) => {
    let before: Record<string, number>[] = [];
    let seen = 0;
    fleet = await Fleet.start(5, (nodes) => {
      before = nodes.map(booksOf);
      seen = nodes[0]!.node.books()['seen']!;
    });
    const { nodes, attacker } = fleet;
    const key = `${attacker.identity.nodeId} ${attack.book}`;
    const isTold = ({ alarms }: TestNode): boolean =>
      alarms.some((alarm) => alarm.kind === 'share_full' && alarm.key === key);
    const told = attack.book === undefined ? Promise.resolve() : until(() => nodes.every(isTold));
    await fleet.attack(attack, told);
    const during = Promise.all(nodes.map((node) => fleet!.ask(node)));
    await fleet.attack(attack, during);
    for (const states of await during) expect(states).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
    const alarm = nodes[1]!.alarms.find((one) => one.kind === 'share_full' && one.key === key);
    if (attack.book !== undefined) expect(alarm?.message).toContain('"hostile"');
    await fleet.expel();
    const isOver = (node: TestNode, at: number): boolean =>
      JSON.stringify(booksOf(node)) === JSON.stringify({ ...before[at], ...QUIET });
    await until(() => nodes.every(isOver));
    // One request each was asked meanwhile, and nothing else is remembered.
    expect(nodes[0]!.node.books()['seen']).toBe(seen + nodes.length);
    for (const { node } of nodes) expect(node.members()).toHaveLength(5);
  },
  120_000,
);
