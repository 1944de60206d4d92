/** Logs quote what other machines say: nothing of it reaches a terminal or a file raw. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readable } from '../../src/agent/log.ts';

const HOSTILE = 'a\u001b]0;owned\u0007\u009b31mb\u202ec\r\n';
const SHOWN = 'a\\u001b]0;owned\\u0007\\u009b31mb\\u202ec\\r\\n';

describe('a line of the log', () => {
  it('is one readable line on a terminal, whatever a peer put into it', () => {
    const line = JSON.stringify({ level: 40, time: '2026-11-28T10:00:00.000Z', node: HOSTILE });
    const told = readable(`${line.slice(0, -1)},"msg":${JSON.stringify(HOSTILE)},"n":1}\n`);
    expect(told).toBe(`10:00:00.000 ${SHOWN} WARN ${SHOWN} n=1\n`);
    const nested = readable(`{"level":30,"time":"","node":"a","msg":"b","x":{"y":"\u009b1m"}}\n`);
    expect(nested).toContain('x={"y":"\\u009b1m"}');
  });

  it('is JSON that says the same with escapes where it goes to a file', () => {
    const log = new URL('../../src/agent/log.ts', import.meta.url).href;
    const program = `
      const { createLog } = await import(${JSON.stringify(log)});
      createLog('info', ${JSON.stringify(HOSTILE)}).info({ x: ${JSON.stringify(HOSTILE)} }, 'm');`;
    const args = ['--import', 'tsx', '--input-type=module', '-e', program];
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(JSON.parse(stderr)).toMatchObject({ node: HOSTILE, x: HOSTILE, msg: 'm' });
  });
});
