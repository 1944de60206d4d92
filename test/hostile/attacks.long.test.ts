/**
 * Each attack of one member on five real hosts, processes of their own: the fleet answers whole meanwhile
 * and a newcomer joins, an alarm names the member, and when it is expelled every book counts what it did
 * before and nothing of it is left in memory.
 */
import { afterEach, expect, test } from 'vitest';
import { until } from '../helpers/eventually.ts';
import { ATTACKS } from './attacks.ts';
import { Fleet } from './fleet.ts';
import type { Host } from './fleet.ts';

let fleet: Fleet | undefined;
afterEach(() => fleet?.stop());

const ROUNDS = 5;
const PATIENT = { limitMs: 100_000, everyMs: 50 };

/** What the hosts remember of their own requests, and of what the operator did since, is theirs. */
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

async function booksOf(host: Host): Promise<Record<string, number>> {
  const books = Object.entries(await host.books());
  return Object.fromEntries(books.filter(([name]) => !OWN.has(name)));
}

/** A member more at each host, with a link and a run: the newcomer, which stays. */
function withNewcomer(books: Record<string, number>): Record<string, number> {
  const more = ['members', 'links', 'turns'].map((name) => [name, books[name]! + 1] as const);
  return { ...books, ...Object.fromEntries(more) };
}

test.each(Object.entries(ATTACKS))(
  'a member that %s costs what one member is',
  async (name, attack) => {
    fleet = await Fleet.start(5);
    const hosts = [...fleet.hosts];
    const before = await Promise.all(hosts.map(booksOf));
    // What V8 compiles of the ways of an attack stays, and is no memory of it: the first is for that.
    await fleet.turnHostile();
    await fleet.during(name, () => told(fleet!, hosts, attack.book));
    await fleet.expel();
    await areBack(hosts, before);
    const heaps = await Promise.all(hosts.map((host) => host.heap()));

    await fleet.turnHostile();
    await fleet.during(name, async () => {
      await told(fleet!, hosts, attack.book);
      const newcomer = await fleet!.join('newcomer');
      await fleet!.whole();
      await told(fleet!, [...hosts, newcomer], undefined);
    });
    await fleet.expel();
    await areBack(hosts, before.map(withNewcomer));
    await until(
      async () => {
        const now = await Promise.all(hosts.map((host) => host.heap()));
        return now.every((bytes, at) => bytes <= heaps[at]! * 1.1);
      },
      'the heap is back within a tenth',
      PATIENT,
    );
    for (const host of hosts) expect(await host.members()).toHaveLength(6);
  },
  300_000,
);

/** All have answered all some times, and each has warned of the hostile member's full share, by its name. */
async function told({ hostile }: Fleet, hosts: readonly Host[], book: string | undefined) {
  for (let n = 0; n < ROUNDS; n++)
    for (const host of hosts) expect((await host.ask(hosts)).states).toEqual(hosts.map(() => 'ok'));
  if (book === undefined) return;
  const key = `${hostile} ${book}`;
  const warns = async (host: Host): Promise<boolean> => {
    const alarms = await host.alarms();
    return alarms.some((one) => one.key === key && one.message.includes('"hostile'));
  };
  await Promise.all(hosts.map((host) => until(() => warns(host), `${host.name}: ${key}`, PATIENT)));
}

/** Until each host's books count no more than they did: what was asked before the attack ends meanwhile. */
async function areBack(hosts: readonly Host[], books: readonly Record<string, number>[]) {
  let now: Record<string, number>[] = [];
  const isBack = async (): Promise<boolean> => {
    now = await Promise.all(hosts.map(booksOf));
    return now.every((one, at) => {
      const most: Record<string, number> = { ...books[at], ...QUIET };
      return Object.keys(most).every((book) => one[book]! <= most[book]!);
    });
  };
  await until(
    isBack,
    () => `back at ${JSON.stringify(books)}, are ${JSON.stringify(now)}`,
    PATIENT,
  );
}
