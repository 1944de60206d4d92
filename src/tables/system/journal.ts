/** journal: entries of systemd's journal. */
import { bigint, integer, text } from '../lib/columns.ts';
import { eqTexts, patterns } from '../lib/constraints.ts';
import { listDir } from '../lib/files.ts';
import { printedObject } from '../lib/json.ts';
import { integerOrNull } from '../lib/numbers.ts';
import { runProgram, type ProgramResult } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import {
  TableAbsentError,
  TableError,
  type CollectContext,
  type Row,
  type SnapshotTable,
} from '../types.ts';

export const journal: SnapshotTable = {
  kind: 'snapshot',
  name: 'journal',
  description:
    'Entries of systemd’s journal, the newest 10,000 of those asked for: say unit, priority, time or ' +
    "message (= or like '%words%'), which journalctl(1) then looks for itself.",
  cost: 'expensive',
  sensitive: true,
  beyondOsquery: true,
  key: ['cursor'],
  columns: [
    bigint('time', 'When it was received, seconds since 1970.'),
    bigint('usec', 'The same in microseconds.'),
    text('unit', 'Unit it is from; of what systemd says of a unit, that unit. Empty for none.'),
    text('identifier', 'Name the program gave itself, as sshd or kernel.'),
    bigint('pid', 'Process id, NULL for the kernel.'),
    bigint('uid', 'User id of the process, NULL for the kernel.'),
    integer('priority', 'From 0 (emergency) over 3 (error) and 6 (informational) to 7 (debug).'),
    integer('facility', 'Facility of syslog(3) by number, NULL if none was given.'),
    text('transport', 'How it came: journal, syslog, stdout, kernel, audit or driver.'),
    text('message', 'The text; NULL if it has over 4096 bytes, of which journalctl shows none.'),
    text('hostname', 'Name of the host as it was then.'),
    text('boot_id', 'Id of the start of the system it is from.'),
    text('cursor', 'Place in the journal.'),
  ],
  async collect(context): Promise<Row[]> {
    if (!JOURNALS.some((path) => listDir(context, path).length > 0))
      throw new TableAbsentError(
        `this host keeps no journal (nothing is in ${JOURNALS.join(' or ')})`,
      );
    const rows = parseEntries(await readJournal(context));
    if (rows.length > ROWS_MAX)
      context.warn(
        `only the newest ${ROWS_MAX} entries: say unit, priority, time or message to have older ones`,
      );
    if (process.geteuid?.() !== 0)
      context.warn('not root: entries that this user may not read are missing');
    return rows.slice(0, ROWS_MAX);
  },
};

async function readJournal(context: CollectContext): Promise<string> {
  const grep = grepOf(context);
  const asked = [...BASE, ...narrowing(context)];
  const run = (args: readonly string[]): Promise<ProgramResult> =>
    runProgram(context, 'journalctl', args, { timeoutMs: TIMEOUT_MS, outputMax: OUTPUT_MAX });
  let result = await run([...asked, ...grep]);
  // Some are built without it; then SQLite looks through the newest.
  if (result.code !== 0 && grep.length > 0 && /pattern matching/i.test(result.stderr))
    result = await run(asked);
  const { code, stdout, stderr } = result;
  // With --grep it fails as well where nothing matches.
  if (code === 0 || (code === 1 && stdout === '' && stderr.trim() === '')) return stdout;
  throw new TableError(`journalctl failed: ${lines(stderr)[0] ?? `exit code ${code}`}`);
}

/** Options that leave out nothing that is asked for; SQLite checks the rows again. */
export function narrowing(context: Pick<CollectContext, 'constraints'>): string[] {
  const args: string[] = [];
  const [unit] = eqTexts(context, 'unit') ?? [];
  // It matches patterns as well, which finds more than is asked for.
  if (unit !== undefined && /^[\w@:.\\-]+\.[a-z]+$/.test(unit)) args.push(`--unit=${unit}`);
  const { low, high } = boundsOf(context, 'time');
  if (low > 0) args.push(`--since=@${low}`);
  if (high < TIME_MAX) args.push(`--until=@${high + 1}`);
  const priority = boundsOf(context, 'priority');
  const [from, to] = [Math.max(priority.low, 0), Math.min(priority.high, 7)];
  if ((from > 0 || to < 7) && from <= to) args.push(`--priority=${from}..${to}`);
  return args;
}

/** The least and the greatest whole number that a column may have. */
function boundsOf(
  { constraints }: Pick<CollectContext, 'constraints'>,
  column: string,
): { low: number; high: number } {
  let [low, high] = [0, TIME_MAX];
  for (const { column: name, op, value } of constraints) {
    if (name !== column || (typeof value !== 'number' && typeof value !== 'bigint')) continue;
    const number = Number(value);
    if (op === 'eq' || op === 'ge' || op === 'gt') low = Math.max(low, Math.floor(number));
    if (op === 'eq' || op === 'le' || op === 'lt') high = Math.min(high, Math.ceil(number));
  }
  return { low, high };
}

/** A text that the message must have in it, as a pattern of journalctl without regard to case. */
export function grepOf(context: Pick<CollectContext, 'constraints'>): string[] {
  const [exact] = eqTexts(context, 'message') ?? [];
  const like = patterns(context, 'message')
    .filter(({ op }) => op === 'like')
    // The longest part between wildcards is in every message that matches.
    .map(({ pattern }) => pattern.split(/[%_]+/).sort((a, b) => b.length - a.length)[0]!);
  const wanted = [exact ?? '', ...like].sort((a, b) => b.length - a.length)[0]!;
  // Letters beyond ASCII: LIKE tells their cases apart, so all that is asked for is found all the same.
  if (wanted === '' || /[\0\n]/.test(wanted)) return [];
  const literal = wanted.replace(/[^\w\s\u0080-\uffff]/g, '\\$&');
  return [`--grep=${literal}`, '--case-sensitive=no'];
}

/** Lines of journalctl's JSON. */
export function parseEntries(output: string): Row[] {
  return lines(output).map((line) => {
    const entry = printedObject('journalctl', line);
    const field = (name: string): string | null => fieldText(entry[name]);
    const usec = integerOrNull(field('__REALTIME_TIMESTAMP'));
    // Of process 1 the unit that it speaks of, of others the one that they are in.
    const spoken = field('_PID') === '1' ? field('UNIT') : null;
    return {
      time: usec === null ? null : Math.floor(Number(usec) / 1e6),
      usec,
      unit: spoken ?? field('_SYSTEMD_UNIT') ?? '',
      identifier: field('SYSLOG_IDENTIFIER') ?? field('_COMM') ?? '',
      pid: integerOrNull(field('_PID')),
      uid: integerOrNull(field('_UID')),
      priority: integerOrNull(field('PRIORITY')),
      facility: integerOrNull(field('SYSLOG_FACILITY')),
      transport: field('_TRANSPORT') ?? '',
      message: field('MESSAGE'),
      hostname: field('_HOSTNAME') ?? '',
      boot_id: field('_BOOT_ID') ?? '',
      cursor: field('__CURSOR') ?? '',
    };
  });
}

/** A text; the bytes of one that is none; the first of a field that was given several times. */
function fieldText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value) || value.length === 0) return null;
  if (value.every((one) => typeof one === 'number'))
    return Buffer.from(value as number[]).toString('utf8');
  return fieldText(value[0]);
}

const JOURNALS = ['/var/log/journal', '/run/log/journal'];
const ROWS_MAX = 10_000;
const TIMEOUT_MS = 4_500;
const OUTPUT_MAX = 64 * 1024 * 1024;
const TIME_MAX = 2 ** 40;

const FIELDS = [
  '_SYSTEMD_UNIT',
  'UNIT',
  'SYSLOG_IDENTIFIER',
  '_COMM',
  '_PID',
  '_UID',
  'PRIORITY',
  'SYSLOG_FACILITY',
  '_TRANSPORT',
  'MESSAGE',
  '_HOSTNAME',
  '_BOOT_ID',
];
/** One more than is shown tells whether there are more. */
const BASE = [
  '--output=json',
  '--no-pager',
  '--quiet',
  '--reverse',
  `--lines=${ROWS_MAX + 1}`,
  `--output-fields=${FIELDS.join(',')}`,
];
