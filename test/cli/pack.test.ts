/** Packs as people have them, run against real agents. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestSwarm } from '../helpers/swarm.ts';

let swarm: TestSwarm;
beforeAll(async () => void (swarm = await TestSwarm.start(['p1', 'p2'])));
afterAll(() => swarm?.stop());

function pack(name: string, text: string): string {
  const file = join(swarm.folder, name);
  writeFileSync(file, text);
  return file;
}

it('runs an osquery pack, skips other platforms, reports what failed', async () => {
  const file = pack(
    'ir.conf',
    `{
  "discovery": ["select 1 from users where uid = 0"],
  "queries": {
    "roots": {"query": "select username from users \\
       where uid = 0;", "interval": 60},
    "apps": {"query": "select * from apps;", "interval": 60, "platform": "darwin"},
    "events": {"query": "select * from file_events;", "interval": 60}
  }
}`,
  );
  const { stdout, code } = await swarm.host('p1').cli('pack', 'run', file);
  expect(stdout).toMatch(/roots +\| 2 +\| 2 +\|/);
  expect(stdout).toMatch(/apps +\| 0 +\| 0 +\| skipped: is for darwin/);
  expect(stdout).toMatch(/events +\| 0 +\| 0 +\| .*file_events/);
  expect(code).toBe(3);
});

it('says for each policy which hosts pass, and exits 4 when one fails', async () => {
  const file = pack(
    'policies.yml',
    `kind: policy
spec: {name: has root, query: select 1 from users where uid = 0}
---
kind: policy
spec: {name: p1 only, query: "select 1 from osquery_info, system_info where false"}
`,
  );
  const { stdout, code } = await swarm.host('p2').cli('pack', 'run', file);
  expect(stdout).toMatch(/has root +\| 2 +\| 0 +\| 0/);
  expect(stdout).toMatch(/p1 only +\| 0 +\| 2 \(p1, p2\) +\| 0/);
  expect(code).toBe(4);
  const good = pack(
    'good.yml',
    'kind: policy\nspec: {name: ok, query: select 1 from users where uid = 0}\n',
  );
  expect((await swarm.host('p2').cli('pack', 'run', good)).code).toBe(0);
});

it('gives rows and verdicts as JSON', async () => {
  const file = pack(
    'q.yml',
    'kind: policy\nspec: {name: ok, query: select username from users where uid = 0}\n',
  );
  const { stdout } = await swarm.host('p1').cli('pack', 'run', '--json', '--hosts', 'p2', file);
  expect(JSON.parse(stdout)).toMatchObject([
    { name: 'ok', policy: true, rows: [{ host: 'p2', username: 'root' }], pass: ['p2'], fail: [] },
  ]);
});

it('explains what a host will use without asking any', async () => {
  const { stdout, code } = await swarm
    .host('p1')
    .cli(
      'query',
      '--explain',
      'select h.sha256 from processes p join hash h on h.path = p.path where p.pid = 1',
    );
  expect(stdout).toMatch(/processes +\| snapshot +\| pid = 1/);
  expect(stdout).toMatch(/hash +\| lookup +\| path = /);
  expect(code).toBe(0);
  for (const host of swarm.hosts) expect(host.log()).not.toContain('sha256');
});

it('refuses a discovery that finds no host, and files that are none', async () => {
  const none = pack(
    'none.conf',
    '{"discovery": ["select 1 from users where uid = -77"], "queries": {"a": {"query": "select 1"}}}',
  );
  const { stderr, code } = await swarm.host('p1').cli('pack', 'run', none);
  expect(stderr).toContain('no host is discovered by');
  expect(code).toBe(1);
  const missing = await swarm.host('p1').cli('pack', 'run', '/nowhere.conf');
  expect(missing.stderr).toContain('/nowhere.conf');
});
