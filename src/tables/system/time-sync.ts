/** time_sync: which program sets the clock, by whom, and how far off it is. */
import { bigint, double, integer, load, text } from '../lib/columns.ts';
import { statOf } from '../lib/files.ts';
import { doubleOrNull, integerOrNull } from '../lib/numbers.ts';
import { allPids, readStat } from '../lib/proc.ts';
import { runProgram } from '../lib/program.ts';
import { keyValues, lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';

export const timeSync: SnapshotTable = {
  kind: 'snapshot',
  name: 'time_sync',
  description:
    'Programs that keep the clock right and how well they do: chrony, systemd-timesyncd and ntpd as their ' +
    'own chronyc, timedatectl and ntpq tell. A row for each that runs; none where nothing sets the clock.',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['program'],
  columns: [
    text('program', 'chronyd, systemd-timesyncd or ntpd.'),
    integer('synchronized', '1 if it has a source that it follows, else 0.'),
    text('source', 'Name or address of that source; empty if there is none.'),
    integer('stratum', 'How many hosts away the reference clock is; NULL if not synchronized.'),
    load(
      double(
        'offset',
        'Seconds that the clock is off by its last reckoning, above 0 if it is behind.',
      ),
    ),
    load(double('root_delay', 'Seconds to the reference clock and back.')),
    load(double('root_dispersion', 'Seconds that the reference may be wrong by.')),
    text('leap', 'normal, insert, delete or not synchronised.'),
    load(bigint('last_update', 'When its source last told it the time, seconds since 1970.')),
  ],
  async collect(context): Promise<Row[]> {
    const running = runningPrograms(context);
    const rows: Row[] = [];
    for (const [name, ask] of PROGRAMS) {
      if (running.has(name)) rows.push(await ask(context));
    }
    return rows;
  },
};

/** By the name that the kernel keeps, which has 15 letters. */
const PROGRAMS: readonly (readonly [string, (context: CollectContext) => Promise<Row>])[] = [
  ['chronyd', askChrony],
  ['systemd-timesyn', askTimesyncd],
  ['ntpd', askNtpd],
];

function runningPrograms(context: CollectContext): Set<string> {
  return new Set(allPids(context).flatMap((pid) => readStat(context, pid)?.name ?? []));
}

async function askChrony(context: CollectContext): Promise<Row> {
  return chronyRow(await ask(context, 'chronyc', ['-n', 'tracking']));
}

/** What `chronyc -n tracking` prints, which says in words what its CSV has by signs. */
export function chronyRow(output: string): Row {
  const values = keyValues(output, ':');
  const get = (name: string): string => values.get(name) ?? '';
  const [, id, name] = /^(\S+)(?: \((.*)\))?$/.exec(get('Reference ID')) ?? [];
  if (id === undefined)
    throw new TableError(
      `chronyc said ${JSON.stringify(output.slice(0, 100))}, which is no tracking`,
    );
  const leap = get('Leap status').toLowerCase();
  const synchronized = leap !== LEAPS[3];
  const seconds = (text: string): number | null =>
    synchronized ? doubleOrNull(text.split(' ')[0]) : null;
  const off = seconds(get('System time'));
  const reference = Date.parse(`${get('Ref time (UTC)')} UTC`);
  return {
    program: 'chronyd',
    synchronized: synchronized ? 1 : 0,
    // Its own clock, as of a `local` server, has no name.
    source: synchronized ? name || id : '',
    stratum: synchronized ? integerOrNull(get('Stratum')) : null,
    offset: off !== null && get('System time').includes('fast') ? 0 - off : off,
    root_delay: seconds(get('Root delay')),
    root_dispersion: seconds(get('Root dispersion')),
    leap: leap.replace(/ second$/, ''),
    last_update: reference > 0 ? Math.floor(reference / 1000) : null,
  };
}

async function askTimesyncd(context: CollectContext): Promise<Row> {
  const shown = await ask(context, 'timedatectl', ['show-timesync', '--all']);
  // Only this one tells the offset.
  const status = await ask(context, 'timedatectl', ['timesync-status']);
  const changed = statOf(context, '/run/systemd/timesync/synchronized');
  return timesyncdRow(shown, status, changed === undefined ? null : changed.mtimeMs);
}

/** What timedatectl shows, and when timesyncd last touched its mark, in ms since 1970; null if never. */
export function timesyncdRow(shown: string, status: string, markedMs: number | null): Row {
  const properties = keyValues(shown, '=');
  const message = new Map(
    [...(properties.get('NTPMessage') ?? '').matchAll(/(\w+)=([^,}]*?)\s*[,}]/g)].map(
      ([, name, value]) => [name!, value!] as const,
    ),
  );
  const [, sign, span] = /^\s*Offset: ([+-])?(\S.*)$/m.exec(status) ?? [];
  const offset = timespanSeconds(span);
  const synchronized = markedMs !== null && message.size > 0;
  return {
    program: 'systemd-timesyncd',
    synchronized: synchronized ? 1 : 0,
    source: properties.get('ServerName') ?? '',
    stratum: synchronized ? integerOrNull(message.get('Stratum')) : null,
    offset: offset === null ? null : sign === '-' ? -offset : offset,
    root_delay: timespanSeconds(message.get('RootDelay')),
    root_dispersion: timespanSeconds(message.get('RootDispersion')),
    leap: LEAPS[Number(synchronized ? message.get('Leap') : 3)] ?? LEAPS[3]!,
    last_update: markedMs === null ? null : Math.floor(markedMs / 1000),
  };
}

async function askNtpd(context: CollectContext): Promise<Row> {
  const variables = 'rv 0 leap,stratum,offset,rootdelay,rootdisp,refid,reftime';
  const output = await ask(context, 'ntpq', ['-n', '-c', variables, '-c', 'peers']);
  return ntpdRow(output);
}

/** Variables `name=value, ..` of ntpq(1), in ms, and its list of peers, where `*` is before the one it follows. */
export function ntpdRow(output: string): Row {
  const value = (name: string): string | undefined =>
    new RegExp(`(?:^|[\\s,])${name}=("[^"]*"|[^,\\s]+)`).exec(output)?.[1]?.replaceAll('"', '');
  const stratum = Number(value('stratum'));
  if (!Number.isInteger(stratum))
    throw new TableError(`ntpq said ${JSON.stringify(output.slice(0, 100))}, which has no stratum`);
  const leap = NTP_LEAPS[value('leap') ?? ''] ?? Number(value('leap') ?? 3);
  const synchronized = leap !== 3 && stratum > 0 && stratum < 16;
  const seconds = (name: string): number | null => {
    const ms = doubleOrNull(value(name));
    return ms === null || !synchronized ? null : ms / 1000;
  };
  // `reftime=ed7f1a2b.8c5d0000  Wed, ...`: seconds since 1900 in hexadecimal.
  const reference = parseInt(value('reftime')?.replace(/^0x/, '').split('.')[0] ?? '', 16);
  return {
    program: 'ntpd',
    synchronized: synchronized ? 1 : 0,
    source: synchronized ? (/^\*(\S+)/m.exec(output)?.[1] ?? value('refid') ?? '') : '',
    stratum: synchronized ? stratum : null,
    offset: seconds('offset'),
    root_delay: seconds('rootdelay'),
    root_dispersion: seconds('rootdisp'),
    leap: LEAPS[leap] ?? LEAPS[3]!,
    last_update: reference > SECONDS_1900_TO_1970 ? reference - SECONDS_1900_TO_1970 : null,
  };
}

/** @throws TableError with what the program said */
async function ask(
  context: CollectContext,
  program: string,
  args: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await runProgram(context, program, args);
  if (code === 0) return stdout;
  const said = lines(stderr)[0] ?? lines(stdout)[0] ?? `exit code ${code}`;
  throw new TableError(`${program} ${args.join(' ')} failed: ${said}`);
}

/** As systemd writes short spans: `1.2ms`, `1min 4s`, `35us`, `0`. */
function timespanSeconds(span: string | undefined): number | null {
  const parts = [...(span ?? '').matchAll(/([\d.]+)(us|ms|s|min|h|d)?/g)];
  if (parts.length === 0) return null;
  const us = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS_US[unit ?? 'us']!,
    0,
  );
  return us / 1e6;
}

const UNITS_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  min: 60e6,
  h: 3_600e6,
  d: 86_400e6,
};
const LEAPS = ['normal', 'insert', 'delete', 'not synchronised'];
const NTP_LEAPS: Readonly<Record<string, number>> = {
  leap_none: 0,
  leap_add_sec: 1,
  leap_del_sec: 2,
  leap_alarm: 3,
  '00': 0,
  '01': 1,
  '10': 2,
  '11': 3,
};
const SECONDS_1900_TO_1970 = 2_208_988_800;
