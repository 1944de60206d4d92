/** Kernels that lie on the host, and the one that runs. */
import { listDir, readAttribute, readText, statOf, type Rooted } from '../lib/files.ts';
import { compareVersions } from '../version-order.ts';

export interface Kernel {
  /** As uname -r would say it. */
  readonly release: string;
  /** When its file was put there, seconds since 1970. */
  readonly since: number;
}

export interface RunningKernel {
  readonly release: string;
  /** Version of the package that it was built as, where Debian's or Ubuntu's kernel tells it. */
  readonly build: string | undefined;
}

/** The kernel that runs; undefined where /proc does not say. */
export function runningKernel(context: Rooted): RunningKernel | undefined {
  const release = readAttribute(context, '/proc/sys/kernel/osrelease');
  if (release === null) return undefined;
  const ubuntu = readText(context, '/proc/version_signature');
  const build =
    ubuntu === undefined
      ? / Debian (\S+) \(/.exec(readText(context, '/proc/version') ?? '')?.[1]
      : // `Ubuntu 5.15.0-91.101-generic 5.15.131`: the package is 5.15.0-91.101.
        /^Ubuntu (\S+?)-[a-z][\w-]*(?: |$)/.exec(ubuntu)?.[1];
  return { release, build };
}

/** Kernels that can be started: in /boot, or beside their modules. Rescue images are none of them. */
export function bootableKernels(context: Rooted): Kernel[] {
  const found = new Map<string, Kernel>();
  const add = (release: string, path: string): void => {
    const stat = statOf(context, path);
    if (stat?.isFile() && !release.startsWith('0-rescue') && !found.has(release))
      found.set(release, { release, since: Math.floor(stat.mtimeMs / 1000) });
  };
  for (const name of listDir(context, '/boot')) {
    const release = /^(?:vmlinuz|vmlinux|kernel|Image)-(\d.*)$/.exec(name)?.[1];
    // Ubuntu and others keep copies beside: vmlinuz-..old, .hmac files start with a dot.
    if (release !== undefined && !/\.(?:old|bak|signed|xz|gz)$/.test(release))
      add(release, `/boot/${name}`);
  }
  for (const release of listDir(context, '/usr/lib/modules'))
    add(release, `/usr/lib/modules/${release}/vmlinuz`);
  return [...found.values()];
}

/**
 * The newest kernel of the running one's kind (its flavour, as generic or cloud-amd64): another kind was
 * put there for something else. Undefined where there is none, as in a container.
 */
export function newestOfKind(running: string, kernels: readonly Kernel[]): Kernel | undefined {
  return kernels
    .filter(({ release }) => kindOf(release) === kindOf(running))
    .sort((a, b) => compareKernels(a.release, b.release))
    .at(-1);
}

/** Below, at or above zero; release candidates come before the release, as linux-version(1) has it. */
export function compareKernels(a: string, b: string): number {
  const key = (release: string): string => release.replace(/-rc(?=\d)/, '~rc');
  return compareVersions('version_dpkg', key(a), key(b));
}

/** The letters in a release but for those that only say where it was built. */
function kindOf(release: string): string {
  const words = release.match(/[a-z]+/gi) ?? [];
  return words.filter((word) => !/^(?:rc|bpo|deb)$/.test(word)).join('-');
}
