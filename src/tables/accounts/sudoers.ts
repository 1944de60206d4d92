/** sudoers: who may run what as whom. */
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
    text('rule_details', 'The rest of the rule, with single blanks.'),
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
    const [header = '', ...details] = line.split(/\s+/);
    const include = /^[@#](include(?:dir)?)$/.exec(header)?.[1];
    if (include === undefined) {
      if (!isComment(line)) yield { source, header, rule_details: details.join(' ') };
      continue;
    }
    const target = posix.resolve(posix.dirname(source), details.join(' ').replace(/^"|"$/g, ''));
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

/** Rules, with lines that end in a backslash joined to the next. */
function ruleLines(content: string): string[] {
  return content
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** `#1000 ALL=...` is a rule for a user id. */
function isComment(line: string): boolean {
  return line.startsWith('#') && !/^#-?\d+\b/.test(line);
}

/** sudoers(5): names with a dot or a ~ at their end are passed over in an included folder. */
function isIncluded(name: string): boolean {
  return !name.includes('.') && !name.endsWith('~');
}

/** sudo stops at 128; far fewer bound what a loop of includes costs. */
const DEPTH_MAX = 16;
