/** A file system whose server never answers: FUSE, with nobody reading its requests. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it, onTestFinished } from 'vitest';
import { only } from '../../helpers/needs.ts';

const PROBE = fileURLToPath(new URL('../lib/probe.ts', import.meta.url));
/** Its own mount namespace, so that nobody else meets the dead mount. */
const able =
  process.getuid!() === 0 &&
  existsSync('/dev/fuse') &&
  spawnSync('unshare', ['-m', 'true']).status === 0;

only(
  able,
  'as root with /dev/fuse and unshare',
  describe,
)('a dead mount', () => {
  it('costs mounts its own sizes and a warning, nothing else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'swarmplane dead-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { rows, warnings } = await insideDeadMount(folder, 'mounts');
    const dead = rows.find((row) => row.path === folder)!;
    expect(dead).toMatchObject({ type: 'fuse', device: 'dead' });
    expect(dead.blocks).toBeUndefined();
    expect(warnings).toEqual([
      `mounts: ${JSON.stringify(folder)} does not answer: stat did not end within 1000 ms`,
    ]);
    expect(rows.find((row) => row.path === '/')!.blocks).toBeGreaterThan(0);
  });
});

interface Probed {
  rows: Record<string, unknown>[];
  warnings: string[];
}

/**
 * The holder keeps the server's end open without reading it, in a process of its own: were the end
 * inherited further, the mount could not die with the holder. It ends with its standard input.
 */
async function insideDeadMount(folder: string, table: string): Promise<Probed> {
  const script = `
    (
      exec 3<>/dev/fuse
      mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 dead "$1" || exit 1
      echo mounted
      exec cat >/dev/null
    ) | (
      read -r mounted && [ "$mounted" = mounted ] || exit 1
      exec "$2" --import tsx "$3" "$4"
    )`;
  const args = ['-m', 'sh', '-c', script, 'sh', folder, process.execPath, PROBE, table];
  const child = spawn('unshare', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  while (!output.endsWith('\n') && child.exitCode === null) {
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  }
  child.stdin.end();
  if (child.exitCode === null) await once(child, 'exit');
  return JSON.parse(output) as Probed;
}
