/** sudoers: who may run what as whom. */
import { hostname } from 'node:os';
import { posix } from 'node:path';

import { text } from '../lib/columns.ts';
import { describeCode, listDir, tryRead } from '../lib/files.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const sudoers: SnapshotTable = {
  name: 'sudoers',
  description: 'Rules of sudo, from /etc/sudoers and the files it includes; none without sudo.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['source', 'header', 'rule_details'],
  columns: [
    text('source', 'The file the rule stands in.'),
    text('header', 'First word of the rule: a user, %group, alias, Defaults or include.'),
    text(
      'rule_details',
      'The rest of the rule, with single blanks but in quotes; without comments.',
    ),
  ],
  collect: (context) => [...rulesOf(context, '/etc/sudoers', 0)],
};

function* rulesOf(context: CollectContext, source: string, depth: number): Generator<Row> {
  const file = tryRead(context, source);
  if (!file.ok) {
    if (depth > 0) context.warn(`cannot read ${source}: ${describeCode(file.code)}`);
    else if (file.code !== 'ENOENT') {
      throw new TableError(`cannot read ${source}: ${describeCode(file.code)}`);
    }
    return;
  }
  for (const line of ruleLines(file.bytes.toString('utf8'))) {
    const directive = /^[@#](include(?:dir)?) (.*)$/.exec(line);
    if (directive === null) {
      const header = firstWord(line);
      yield { source, header, rule_details: line.slice(header.length).trim() };
      continue;
    }
    const [, include, rest] = directive;
    const target = posix.resolve(posix.dirname(source), includedPath(rest!));
    yield { source, header: include, rule_details: target };
    if (depth >= DEPTH_MAX) {
      context.warn(`${target}: not read: included more than ${DEPTH_MAX} levels deep`);
    } else if (include === 'include') yield* rulesOf(context, target, depth + 1);
    else {
      for (const name of listDir(context, target).filter(isIncluded)) {
        yield* rulesOf(context, posix.join(target, name), depth + 1);
      }
    }
  }
}

/**
 * Rules as sudo's scanner sees them: a line goes on after a backslash at its end, but a comment does
 * not; blanks are one, but in quotes and behind a backslash they count.
 */
export function ruleLines(content: string): string[] {
  const rules: string[] = [];
  let rule = '';
  let quoted = false;
  const end = (): void => {
    if (rule.trim() !== '') rules.push(rule.trimStart());
    [rule, quoted] = ['', false];
  };
  for (let at = 0; at < content.length;) {
    const part = partAt(content, at, quoted);
    if (part === '\n') end();
    else if (!quoted && GAP.test(part)) rule += / $/.test(rule) && !/\\ $/.test(rule) ? '' : ' ';
    else if (!CONTINUED.test(part)) rule += part;
    if (part === '"') quoted = !quoted;
    at += part.length;
    if (part !== '#' || quoted || !isComment(content, at - 1, rule)) continue;
    rule = rule.slice(0, -1).trimEnd();
    at = (content.indexOf('\n', at) + 1 || content.length + 1) - 1;
  }
  end();
  return rules;
}

function partAt(content: string, at: number, quoted: boolean): string {
  const pattern = quoted ? QUOTED_PART : PLAIN_PART;
  pattern.lastIndex = at;
  return pattern.exec(content)![0];
}

/**
 * A `#` begins a comment, but for the number of a user or a group (`#1000 ALL = ALL`) and `#include`
 * at the beginning of a line.
 */
function isComment(content: string, at: number, rule: string): boolean {
  const after = content.slice(at + 1, at + 16);
  if (/^-?\d/.test(after)) return false;
  return rule.trim() !== '#' || !/^include(?:dir)?[ \t]/.test(after);
}

/** Up to the first blank that is neither quoted nor behind a backslash: `%Domain\ Users`. */
function firstWord(rule: string): string {
  return /^(?:\\[^]|"(?:\\[^]|[^"\\])*"?|[^\s"\\])*/.exec(rule)![0];
}

/** The path of an include without what guards its blanks; `%h` is the host's name up to its first dot. */
function includedPath(text: string): string {
  const quoted = /^"((?:\\[^]|[^"\\])*)"/.exec(text);
  const path = quoted?.[1] ?? firstWord(text);
  return path.replace(/\\([^])/g, '$1').replaceAll('%h', () => hostname().split('.')[0]!);
}

/** sudoers(5): names with a dot or a ~ at their end are passed over in an included folder. */
function isIncluded(name: string): boolean {
  return !name.includes('.') && !name.endsWith('~');
}

const PLAIN_PART = /\\[ \t]*\r?\n[ \t]*|\\[^\n]|[ \t\r]+|[^\\ \t\r\n"#]+|[^]/y;
const QUOTED_PART = /\\[ \t]*\r?\n[ \t]*|\\[^\n]|[^\\\n"]+|[^]/y;
const CONTINUED = /^\\[ \t]*\r?\n/;
const GAP = /^(?:[ \t\r]+$|\\[ \t]*\r?\n)/;

/** sudo stops at 128; far fewer bound what a loop of includes costs. */
const DEPTH_MAX = 16;
