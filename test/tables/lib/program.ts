/** Independent sources: the programs people look with. */
import { spawnSync } from 'node:child_process';

/** What a program prints. @throws when it fails */
export function print(program: string, ...args: string[]): string {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (result.status !== 0) {
    throw new Error(`${program} ${args.join(' ')} failed: ${result.stderr ?? result.error}`);
  }
  return result.stdout;
}

/** The lines a program prints, blank ones left out. */
export function printLines(program: string, ...args: string[]): string[] {
  return print(program, ...args)
    .split('\n')
    .filter((line) => line.trim() !== '');
}
