/** Commands of history that need a database and no agent. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withPostgres } from '../helpers/postgres.ts';
import { PROGRAM, swarmplane } from '../helpers/swarm.ts';
import { daysAgo, HistorySite } from '../hub/history/site.ts';
import { until } from '../helpers/eventually.ts';

describe('history', () => {
  const postgres = withPostgres();

  it('--follow shows each change once, as it comes in, until it is ended', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    const T = daysAgo(1);
    const take = (hours: number, version: string) =>
      site.ingest(web1, [web1.take(T + hours * 3_600_000, [['bash', version, 1]])]);
    await take(0, '1');
    const shown = follow(site.database.url, 'web1', 'packages');
    const said = (end: string) =>
      until(
        () => shown.lines.some((line) => line.endsWith(end)),
        () => `${end} in\n${shown.lines.join('\n')}`,
      );
    await said('= bash  size: 1, version: 1');
    await take(1, '2');
    await said('~ bash  version: 1 -> 2');
    // two at once: what comes of the journal of a host that was alone
    await take(2, '3');
    await take(3, '4');
    await said('~ bash  version: 3 -> 4');
    expect(shown.lines.filter((line) => line.startsWith('  '))).toEqual([
      ...['  = bash  size: 1, version: 1', '  ~ bash  version: 1 -> 2'],
      ...['  ~ bash  version: 2 -> 3', '  ~ bash  version: 3 -> 4'],
    ]);
    shown.child.kill('SIGINT');
    expect(await once(shown.child, 'exit')).toEqual([null, 'SIGINT']);
  });

  it('says where no rows mean that nothing is known, not that there are none', async () => {
    const site = await HistorySite.make(postgres());
    const [web1, web2] = [await site.add('web1'), await site.add('web2')];
    await site.add('web3');
    const T = Date.parse('2026-11-01T08:00:00Z');
    const said = async (...args: string[]) => {
      const { code, stderr } = await swarmplane([
        ...['history', ...args, '--database', site.database.url],
      ]);
      expect(code).toBe(0);
      return stderr;
    };
    await site.ingest(web1, [web1.take(T, [['bash', '1', 1]])]);
    await site.ingest(web2, [web2.gap(T, 'table_unavailable', 'no dpkg here\u001b[31m')]);
    expect(await said('web1', 'packages', '--at', '2026-11-01T07:59')).toBe(
      'nothing is known of packages on web1 before 2026-11-01 08:00:00\n',
    );
    expect(await said('web1', 'packages', '--at', '2026-11-01T08:00')).toBe('');
    const none = 'nothing is known of packages on web2\nweb2 could not take packages last: ';
    const reason = /no dpkg here\\u001b\[31m\n/;
    for (const args of [
      ['--at', '2026-11-02'],
      ['--since', '2026-10-01'],
      ['--json', '--at', '1m'],
    ]) {
      const text = await said('web2', 'packages', ...args);
      expect(text.startsWith(none), text).toBe(true);
      expect(text).toMatch(reason);
    }
    expect(await said('web3', 'packages')).toBe('web3 has not handed over packages yet\n');

    await site.ingest(web1, [web1.gap(T + 3_600_000, 'timeout', 'took too long')]);
    expect(await said('web1', 'packages', '--at', '2026-11-02')).toMatch(
      /^web1 could not take packages last: .*took too long\n$/,
    );
  });

  it('compact says how many takings went', async () => {
    const site = await HistorySite.make(postgres());
    const web1 = await site.add('web1');
    for (let n = 0; n < 6; n++) web1.take(daysAgo(20) + n * 3_600_000, [['bash', '1', 1]]);
    await site.ingest(web1, web1.journal);
    const compact = () => swarmplane(['history', 'compact', '--database', site.database.url]);
    expect(await compact()).toEqual({
      code: 0,
      stderr: '',
      stdout: 'dropped 3 takings that repeat their neighbours\n',
    });
    expect((await compact()).stdout).toBe('dropped 0 takings that repeat their neighbours\n');
    expect(await site.lines('select sequence from swarmplane.taking order by 1')).toEqual([
      ...['1', '2', '6'],
    ]);
  });
});

function follow(url: string, host: string, table: string) {
  const args = ['history', host, table, '--follow', '--since', '48h', '--database', url];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop()!;
    lines.push(...parts);
  });
  return { child, lines };
}
