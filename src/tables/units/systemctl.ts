/** Asking systemd about its units, through systemctl show(1), which prints `Name=value` blocks. */
import { exists, type Rooted } from '../lib/files.ts';
import { runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError } from '../types.ts';

/** Property to value; a property a unit's kind does not have is missing. */
export type UnitProperties = ReadonlyMap<string, string>;

/**
 * Properties of all loaded units whose name matches a shell pattern.
 * @throws TableError where systemd is not running or does not answer
 */
export async function showUnits(
  context: Rooted,
  pattern: string,
  properties: readonly string[],
): Promise<UnitProperties[]> {
  const args = ['show', '--all', '--no-pager', `--property=${properties.join(',')}`, '--', pattern];
  return parseUnits(await systemctl(context, args));
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
      if (at > 0) unit.set(line.slice(0, at), line.slice(at + 1));
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

async function systemctl(context: Rooted, args: readonly string[]): Promise<string> {
  // The test of sd_booted(3).
  if (!exists(context, '/run/systemd/system')) {
    throw new TableError(
      'systemd is not running on this host (there is no folder /run/systemd/system)',
    );
  }
  const { code, stdout, stderr } = await runProgram(context, 'systemctl', args);
  if (code !== 0) {
    throw new TableError(`systemctl ${args[0]} failed: ${lines(stderr)[0] ?? `exit code ${code}`}`);
  }
  return stdout;
}
