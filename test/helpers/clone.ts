/** A folder as `git clone` makes it of what stands here, changes that are not committed included. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');

/** @param modules whether the packages are there already, as after a first `npm start` */
export function makeClone(modules: boolean): { folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'clone-'));
  const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard'];
  const files = execFileSync('git', list, { cwd: ROOT, encoding: 'utf8' }).split('\0');
  for (const file of files) {
    if (file === '' || !existsSync(join(ROOT, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(ROOT, file), join(folder, file));
  }
  if (modules) {
    execFileSync('cp', ['-a', join(ROOT, 'node_modules'), join(folder, 'node_modules')]);
    rmSync(join(folder, 'node_modules/.build-lock'), { recursive: true, force: true });
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A command of a session, and what it is shown to print. */
export interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** The commands behind `$` in the code blocks of a page, in their order. */
export function sessionOf(page: string): Shown[] {
  return codeBlocks(page).flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((text) => {
        const lines = text.trimEnd().split('\n');
        const end = lines.findIndex((line) => !line.endsWith('\\')) + 1;
        return { command: lines.slice(0, end).join('\n'), output: lines.slice(end) };
      }),
  );
}

export function codeBlocks(page: string): string[] {
  return [...page.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block!);
}

export function readPage(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8');
}
