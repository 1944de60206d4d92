/** The settings in sysctl.conf(5) and sysctl.d(5), as systemd-sysctl and procps' sysctl take them. */
import { listDir, readText, type Rooted } from '../lib/files.ts';
import { globExpression, isGlob } from '../lib/shell-glob.ts';
import { lines } from '../lib/text.ts';

/** Values by path below /proc/sys; of a path that no file sets it is undefined. */
export interface SysctlFiles {
  valueOf(path: string): string | undefined;
}

/**
 * A pattern sets what it matches, but nothing that some line names in full or takes out (`-net.x`
 * without a value); of several the last counts.
 */
export function readSysctlFiles(context: Rooted): SysctlFiles {
  const named = new Map<string, string | undefined>();
  const globs = new Map<string, { matches: RegExp; value: string }>();
  for (const { key, value } of settings(context)) {
    const path = pathOf(key);
    if (!isGlob(path)) named.set(path, value);
    else if (value !== undefined) {
      // An overwritten one moves to the end.
      globs.delete(path);
      globs.set(path, { matches: globExpression(path), value });
    }
  }
  const patterns = [...globs.values()].reverse();
  return {
    valueOf: (path) =>
      named.has(path) ? named.get(path) : patterns.find(({ matches }) => matches.test(path))?.value,
  };
}

/** The path of a name below /proc/sys: dots part it, or slashes where one comes first. */
export function pathOf(name: string): string {
  return /^[^.]*\//.test(name) ? name : swapped(name);
}

/** Dots for slashes and slashes for dots. */
export function swapped(text: string): string {
  return text.replace(/[./]/g, (char) => (char === '/' ? '.' : '/'));
}

function* settings(context: Rooted): Generator<{ key: string; value: string | undefined }> {
  for (const path of configFiles(context)) {
    for (const line of lines(readText(context, path) ?? '').map((text) => text.trim())) {
      if (/^[#;]/.test(line)) continue;
      const set = /^-?\s*([^=]*?)\s*=\s*(.*)$/.exec(line);
      if (set !== null) yield { key: set[1]!, value: set[2]! };
      else if (line.startsWith('-')) yield { key: line.slice(1).trim(), value: undefined };
    }
  }
}

/** Of files with the same name the first folder's counts; sorted; sysctl.conf last. */
function configFiles(context: Rooted): string[] {
  const files = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of listDir(context, folder)) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
  return [...sorted, '/etc/sysctl.conf'];
}

const FOLDERS = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
  '/lib/sysctl.d',
];
