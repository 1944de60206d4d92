/** Asking systemd about its units, through systemctl show(1), which prints `Name=value` blocks. */
import { exists, type Rooted } from '../lib/files.ts';
import { runProgram, type ProgramOptions } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableAbsentError, TableError } from '../types.ts';

/**
 * Property to value; a property a unit's kind does not have is missing, the values of one that is shown
 * several times are parted by line ends.
 */
export type UnitProperties = ReadonlyMap<string, string>;

/**
 * Properties of all loaded units whose name matches a shell pattern.
 * @throws TableError where systemd is not running or does not answer
 */
export async function showUnits(
  context: Rooted,
  pattern: string,
  properties: readonly string[],
  env?: ProgramOptions['env'],
): Promise<UnitProperties[]> {
  const args = ['show', '--all', '--no-pager', `--property=${properties.join(',')}`, '--', pattern];
  return parseUnits(await systemctl(context, args, env));
}

/**
 * The jobs that systemd has queued: id to type.
 * @throws TableError where systemd is not running or does not answer
 */
export async function listJobs(context: Rooted): Promise<Map<string, string>> {
  return parseJobs(await systemctl(context, ['list-jobs', '--no-legend', '--no-pager', '--full']));
}

/** The blocks that `systemctl show` prints; they are parted by empty lines. */
export function parseUnits(output: string): UnitProperties[] {
  return output.split(/\n\n+/).flatMap((block) => {
    const unit = new Map<string, string>();
    for (const line of lines(block)) {
      const at = line.indexOf('=');
      if (at <= 0) continue;
      const [name, value] = [line.slice(0, at), line.slice(at + 1)];
      const known = unit.get(name);
      unit.set(name, known === undefined ? value : `${known}\n${value}`);
    }
    return unit.has('Id') ? [unit] : [];
  });
}

/** Lines of `JOB UNIT TYPE STATE`. */
export function parseJobs(output: string): Map<string, string> {
  return new Map(
    lines(output).flatMap((line) => {
      const match = /^\s*(\d+)\s+\S+\s+(\S+)/.exec(line);
      return match === null ? [] : [[match[1]!, match[2]!] as const];
    }),
  );
}

/** A timestamp as systemctl shows it under TZ=UTC, in microseconds since 1970; undefined for none. */
export function timestampUs(shown: string | undefined): number | undefined {
  const match = /^[A-Z][a-z]{2} (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d+)? UTC$/.exec(
    shown ?? '',
  );
  return match === null ? undefined : Date.parse(`${match[1]}T${match[2]}Z`) * 1e3;
}

/** A time span of systemd.time(7) in microseconds; undefined for none, 0 and infinity, as of no event. */
export function timespanUs(shown: string | undefined): number | undefined {
  const parts = [...(shown ?? '').matchAll(/([\d.]+)([a-z]+)/g)];
  const us = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (UNITS_US[unit!] ?? NaN),
    0,
  );
  return us > 0 ? us : undefined;
}

async function systemctl(
  context: Rooted,
  args: readonly string[],
  env?: ProgramOptions['env'],
): Promise<string> {
  // The test of sd_booted(3).
  if (!exists(context, '/run/systemd/system')) {
    throw new TableAbsentError(
      'systemd is not running on this host (there is no folder /run/systemd/system)',
    );
  }
  const { code, stdout, stderr } = await runProgram(context, 'systemctl', args, {
    ...(env === undefined ? {} : { env }),
  });
  if (code !== 0) {
    throw new TableError(`systemctl ${args[0]} failed: ${lines(stderr)[0] ?? `exit code ${code}`}`);
  }
  return stdout;
}

/** As systemd counts: a year has 365.25 days, a month a twelfth of it. */
const UNITS_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  min: 60e6,
  h: 3_600e6,
  d: 86_400e6,
  w: 7 * 86_400e6,
  month: 2_629_800e6,
  y: 31_557_600e6,
};
