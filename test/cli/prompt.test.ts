/** The prompt for the join token, on a terminal that script(1) makes. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { needs } from '../helpers/needs.ts';
import { PROGRAM } from '../helpers/swarm.ts';

needs('script')('does not show what is typed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prompt-'));
  const command = `'${process.execPath}' '${PROGRAM}' --state ${folder} up --join 127.0.0.1:1`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    let shown = '';
    let typed = false;
    for await (const chunk of child.stdout) {
      shown += String(chunk);
      if (typed || !shown.includes('join token: ')) continue;
      typed = true;
      child.stdin.write('swp2-not-a-token\r');
    }
    expect(shown).toContain('swarmplane: error: ');
    expect(shown).not.toContain('not-a-token');
  } finally {
    child.kill();
    rmSync(folder, { recursive: true });
  }
});
