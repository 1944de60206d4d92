/** What goes with a key of the operator that ends: told before it does, and what is signed again. */
import { expelledBy, signAgain } from '../agent/index.ts';
import type { AgainChoice, OperatorDesk } from '../agent/index.ts';
import { CliError } from './errors.ts';
import type { KnownRecords } from './operator-desk.ts';
import { parseList } from './options.ts';
import { printable } from './text.ts';

export type Keys = ReturnType<OperatorDesk['checkKey']>;
export type Key = Keys['keys'][number];

/** What ended keys signed goes again, by `to`, whose ledger has it from then on. */
export function signedAgain(
  desk: OperatorDesk,
  to: OperatorDesk,
  known: KnownRecords,
  choice: AgainChoice,
): readonly Uint8Array[] {
  const again = signAgain(to.key, desk.pinned, known, choice);
  to.noteGranted(again.hubs);
  for (const one of again.left) process.stderr.write(`swarmplane: not signed again: ${one}\n`);
  return again.records;
}

interface Out {
  readonly ended: ReadonlySet<string>;
  /** Prefixes of hosts that are out by their word alone. */
  readonly expelled: readonly string[];
  readonly readmitted: ReadonlySet<string>;
}

/** Whom keys that end have put out: a thief may have, for good, unless somebody looks. */
export function expelledOf(
  desk: OperatorDesk,
  known: KnownRecords,
  keys: readonly Key[],
  { readmit }: { readonly readmit?: string },
): Out {
  const ended = new Set(keys.map((one) => one.key));
  const expelled = expelledBy(desk.pinned, known.lists, ended);
  const named = (readmit === undefined ? [] : parseList(readmit, 'node id')).map((id) => {
    const prefix = id.slice(0, 32);
    if (/^[0-9a-f]{32,64}$/.test(id) && expelled.includes(prefix)) return prefix;
    throw new CliError(
      `--readmit ${JSON.stringify(id)} is no id of a host that is out by that key's word`,
      expelled.length === 0 ? 'no host is' : `these are: ${expelled.join(', ')}`,
    );
  });
  return { ended, expelled, readmitted: new Set(named) };
}

export function tellOut({ expelled, readmitted }: Out): string {
  const stay = expelled.filter((prefix) => !readmitted.has(prefix));
  const line = (all: readonly string[], text: string): string =>
    all.length === 0 ? '' : `  ${text}: ${all.join(', ')}\n`;
  return `${line(stay, 'hosts that it has put out stay out, unless --readmit names them')}${line([...readmitted], 'hosts that it has put out and that are not out any more')}`;
}

export function tellEnded(
  keys: Keys,
  {
    meant,
    ended,
    isJunior,
  }: { readonly meant: Key; readonly ended: readonly Key[]; readonly isJunior: boolean },
): string {
  const lines = [
    `${meant.id} (${nameOf(meant)}) is revoked: nothing that it signed counts any more`,
  ];
  const others = ended.filter(({ key }) => key !== meant.key);
  for (const one of others) {
    lines.push(`  with it goes ${one.id} (${nameOf(one)}), which it has added: --keep keeps it`);
  }
  if (isJunior && !meant.isFinal) {
    const before = keys.keys.slice(0, keys.keys.indexOf(meant)).find(({ counts }) => counts);
    const better =
      before === undefined ? '' : `; ${before.id} (${nameOf(before)}) can end it for good`;
    lines.push(
      `  it is senior to the key that signs this: whoever has it can come back by it${better}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export function tellNext(known: KnownRecords, ended: readonly Key[]): void {
  const lines =
    ended.length === 0 ? [] : ['role certificates that it signed end: grant them again'];
  lines.push(
    `now run \`swarmplane secret rotate\`: until then nobody can join by what it signed, and who has a key of the swarm from it keeps that of epoch ${known.epoch}`,
  );
  process.stderr.write(lines.map((line) => `swarmplane: ${line}\n`).join(''));
}

export function nameOf({ added }: Key): string {
  return added === undefined ? 'the first key' : printable(added.name || 'no name');
}
