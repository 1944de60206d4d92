/** reboot_required: what is only in force after the machine starts anew. */
import { bigint, text } from '../lib/columns.ts';
import { listDir, readText, statOf, type Rooted } from '../lib/files.ts';
import { bootTime } from '../lib/proc.ts';
import { ProgramError, runProgram } from '../lib/program.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row, type SnapshotTable } from '../types.ts';
import { bootableKernels, newestOfKind, runningKernel } from './kernels.ts';
import { dpkgPackages } from './dpkg-status.ts';
import { rpmDatabaseArgs } from './rpm-database.ts';

export const rebootRequired: SnapshotTable = {
  name: 'reboot_required',
  description:
    'Why the machine should start anew, a row a reason and none if it need not: packages that asked for ' +
    'it (/run/reboot-required on Debian and Ubuntu; on rpm hosts those that dnf and zypper ask it for and ' +
    'that are newer than the start), and a kernel that is newer than the running one.',
  kind: 'snapshot',
  cost: 'moderate',
  beyondOsquery: true,
  key: ['reason', 'package'],
  columns: [
    text('reason', 'package or kernel.'),
    text('package', 'The package that wants it, empty if it is not known; the kernel’s name.'),
    text('running', 'The kernel that runs, in rows about kernels.'),
    text('installed', 'The kernel that is installed, in rows about kernels.'),
    bigint('since', 'When it came to be so, seconds since 1970; NULL if it is not known.'),
  ],
  async collect(context) {
    const wanted = [...wantedByDebian(context), ...(await wantedByRpm(context))];
    return [...wanted, ...newerKernel(context)];
  },
};

/** What update-notifier-common and unattended-upgrades go by; names stand there as often as asked. */
function wantedByDebian(context: Rooted): Row[] {
  const path = MARKS.find((mark) => statOf(context, mark) !== undefined);
  if (path === undefined) return [];
  const since = Math.floor(statOf(context, path)!.mtimeMs / 1000);
  const names = new Set(lines(readText(context, `${path}.pkgs`) ?? '').map((name) => name.trim()));
  return [...(names.size > 0 ? names : [''])].map((name) => ({
    reason: 'package',
    package: name,
    since,
  }));
}

async function wantedByRpm(context: CollectContext): Promise<Row[]> {
  const database = rpmDatabaseArgs(context);
  if (database === undefined) return [];
  const started = bootTime(context);
  if (started === undefined)
    throw new TableError('/proc/stat does not say when the machine started');
  try {
    const format = ['--queryformat', '%{INSTALLTIME}\t%{NAME}\n'];
    const hinted = [...database, '-q', ...format, '--whatprovides', HINT];
    const outputs = [
      await runProgram(context, 'rpm', hinted),
      await runProgram(context, 'rpm', [...database, '-q', ...format, ...NEED_REBOOT]),
    ];
    return newerThan(outputs.map(({ stdout }) => stdout).join(''), started);
  } catch (error) {
    if (!(error instanceof ProgramError)) throw error;
    context.warn(`packages of rpm are not looked at: ${error.message}`);
    return [];
  }
}

/** Lines of `time TAB name`, those of packages that are not there left out; a name once, the newest. */
export function newerThan(output: string, started: number): Row[] {
  const newest = new Map<string, number>();
  for (const line of lines(output)) {
    const [, time, name] = /^(\d+)\t(\S+)$/.exec(line) ?? [];
    if (name === undefined || Number(time) <= started) continue;
    newest.set(name, Math.max(Number(time), newest.get(name) ?? 0));
  }
  return [...newest].map(([name, since]) => ({ reason: 'package', package: name, since }));
}

function newerKernel(context: CollectContext): Row[] {
  const running = runningKernel(context);
  if (running === undefined) return [];
  const newest = newestOfKind(running.release, bootableKernels(context));
  if (newest !== undefined && newest.release !== running.release) {
    const { release, since } = newest;
    return [
      { reason: 'kernel', package: release, running: running.release, installed: release, since },
    ];
  }
  // The same name, built anew: Debian and Ubuntu do so for updates that change no interface.
  const built = newest === undefined ? undefined : packageVersion(context, running.release);
  if (built === undefined || running.build === undefined || built === running.build) return [];
  return [
    {
      reason: 'kernel',
      package: `linux-image-${running.release}`,
      running: `${running.release} (${running.build})`,
      installed: `${running.release} (${built})`,
      since: newest!.since,
    },
  ];
}

function packageVersion(context: Rooted, release: string): string | undefined {
  if (listDir(context, '/var/lib/dpkg').length === 0) return undefined;
  const names = [`linux-image-${release}`, `linux-image-unsigned-${release}`];
  for (const paragraph of dpkgPackages(context)) {
    if (!names.includes(paragraph.get('package') ?? '')) continue;
    if (paragraph.get('status')?.endsWith(' installed')) return paragraph.get('version');
  }
  return undefined;
}

const HINT = 'installhint(reboot-needed)';
const MARKS = ['/run/reboot-required', '/run/reboot-needed'];

/** What dnf's needs-restarting -r goes by; zypper's packages say it themselves (installhint). */
const NEED_REBOOT = [
  'kernel',
  'kernel-core',
  'kernel-rt',
  'kernel-rt-core',
  'kernel-default',
  'glibc',
  'linux-firmware',
  'microcode_ctl',
  'systemd',
  'dbus',
  'dbus-broker',
  'dbus-daemon',
];
