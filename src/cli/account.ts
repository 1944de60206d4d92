/** The account of a query in words: `4 hosts: 3 ok, 1 unreachable (demo3)`. */
import type { Account, HostOutcome, HostState } from '../agent/client.ts';
import { printable } from './text.ts';

const ORDER: readonly HostState[] = [
  'ok',
  'error',
  'refused',
  'partial',
  'timeout',
  'unreachable',
  'expired',
];
/** More names than this are a count. */
const NAMES_MAX = 8;

export function accountLine(account: Account): string {
  const parts = ORDER.flatMap((state) => {
    const hosts = account.hosts.filter((host) => host.state === state);
    if (hosts.length === 0) return [];
    return [state === 'ok' ? `${hosts.length} ok` : `${hosts.length} ${state} (${names(hosts)})`];
  });
  const truncated = account.hosts.filter((host) => host.truncated);
  if (truncated.length > 0) parts.push(`${truncated.length} truncated (${names(truncated)})`);
  if (account.unexpected.length > 0) {
    parts.push(`${account.unexpected.length} unexpected (${names(account.unexpected)})`);
  }
  const relayed = account.hosts.filter((host) => host.over !== undefined);
  if (relayed.length > 0) parts.push(`${relayed.length} over others (${names(relayed, ways)})`);
  const count = account.hosts.length;
  return `${count} ${count === 1 ? 'host' : 'hosts'}: ${parts.join(', ') || 'nobody was asked'}`;
}

/** Why hosts have no rows: a line for each reason, with the host or the count of hosts that gave it. */
export function problemLines(account: Account): string[] {
  return toldOnce(
    account.hosts
      .filter((host) => host.state !== 'ok' && host.message !== undefined)
      .map((host) => ({ host: host.name, text: `${host.state}: ${host.message}` })),
  );
}

/** What hosts said, the same words once: `web1: ..`, `2 hosts (web1, web2): ..`, `200 hosts: ..` */
export function toldOnce(said: readonly { host: string; text: string }[]): string[] {
  const hosts = new Map<string, string[]>();
  for (const { host, text } of said) hosts.set(text, [...(hosts.get(text) ?? []), host]);
  return [...hosts].map(([text, names]) => `${speakers(names)}: ${printable(text)}`);
}

/** Beyond so many the names are the account's matter. */
function speakers(names: readonly string[]): string {
  if (names.length === 1) return printable(names[0]!);
  if (names.length > NAMES_MAX) return `${names.length} hosts`;
  return `${names.length} hosts (${names.map(printable).join(', ')})`;
}

/** True when every expected host answered, whole. */
export function isComplete(account: Account): boolean {
  return (
    account.hosts.length > 0 &&
    account.hosts.every((host) => host.state === 'ok' && !host.truncated)
  );
}

function ways({ name, over }: HostOutcome): string {
  return `${name} over ${over}`;
}

function names(
  hosts: readonly HostOutcome[],
  wordOf: (host: HostOutcome) => string = (host) => host.name,
): string {
  const shown = hosts.slice(0, NAMES_MAX).map((host) => printable(wordOf(host)));
  const more = hosts.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
}
