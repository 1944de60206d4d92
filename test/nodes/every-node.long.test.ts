/**
 * What swarmplane does for everybody, by real processes on every Node.js that it runs on. A later
 * feature that leans on Node.js itself (sockets, crypto, workers, native packages) adds its step here.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findNode, MAJORS } from '../helpers/nodes.ts';
import { eventually, TestSwarm, type TestHost } from '../helpers/swarm.ts';
import { needs } from '../helpers/needs.ts';

for (const major of MAJORS) {
  const node = findNode(major);
  needs(
    `Node.js ${major} (npm run nodes)`,
    node !== undefined,
    describe,
  )(`Node.js ${major}`, () => {
    it('knows the curves by each library, and loads every package', () => {
      const out = execFileSync(node!, [CURVES, SEED, SECRET, PEER], { encoding: 'utf8' });
      expect(JSON.parse(out)).toEqual({
        ed25519: { publicKey: SEED_PUBLIC, signature: SIGNATURE, verified: true },
        node: { publicKey: SECRET_PUBLIC, shared: SHARED },
        sodium: { publicKey: SECRET_PUBLIC, shared: SHARED },
        sqlite: expect.stringMatching(/^3\./) as string,
        postgres: true,
      });
    });

    describe('a hub and a host that joined it', () => {
      let swarm: TestSwarm;
      beforeAll(async () => {
        swarm = await TestSwarm.start(['first', 'second'], { hub: true, node: node! });
      }, 240_000);
      afterAll(() => swarm?.stop(), 120_000);

      it('run on it', async () => {
        const version = execFileSync(node!, ['--version'], { encoding: 'utf8' }).trim();
        expect(version).toMatch(new RegExp(`^v${major}\\.`));
        for (const { pid } of swarm.hosts) expect(commandOf(pid)[0]).toBe(node);
        const { stdout } = await swarm.host('second').cli('--version');
        expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
      });

      it('answer a query', () => expectAnswers(swarm.host('second'), ['first', 'second']));

      it('take a request from PostgreSQL', () => expectRequest(swarm.host('first')));

      it('do the same after a restart of both', async () => {
        const before = await requests(swarm.host('first'));
        await Promise.all(swarm.hosts.map((host) => host.end()));
        for (const host of swarm.hosts) host.start();
        await swarm.whole();
        await swarm.host('first').until((s) => s.hub?.['state'] === 'ready', 'has a hub', 120_000);
        await expectAnswers(swarm.host('second'), ['first', 'second']);
        expect(await requests(swarm.host('first'))).toEqual(before);
        await expectRequest(swarm.host('first'));
      }, 240_000);
    });
  });
}

const here = MAJORS.filter((major) => findNode(major) !== undefined);

needs(
  'two Node.js majors (npm run nodes)',
  here.length > 1,
  describe,
)('hosts on different majors', () => {
  it('make one swarm', async () => {
    const [oldest, ...others] = here;
    const swarm = await TestSwarm.start([`on${oldest}`], { node: findNode(oldest!)! });
    try {
      for (const major of others) await swarm.add(`on${major}`, undefined, findNode(major));
      await swarm.whole(120_000);
      for (const host of swarm.hosts)
        await expectAnswers(
          host,
          here.map((major) => `on${major}`),
        );
    } finally {
      await swarm.stop();
    }
  }, 300_000);
});

async function expectAnswers(from: TestHost, names: readonly string[]): Promise<void> {
  const sql = 'select 6 * 7 as n, pid from processes where pid = 1';
  const { stdout, stderr, code } = await from.cli('query', '--json', sql);
  const rows = JSON.parse(stdout) as { host: string }[];
  expect(rows.sort((a, b) => (a.host < b.host ? -1 : 1))).toEqual(
    names.map((host) => ({ host, n: 42, pid: 1 })),
  );
  expect([stderr, code]).toEqual([`${names.length} hosts: ${names.length} ok\n`, 0]);
}

/** `insert` until every host's row is there. */
async function expectRequest(hub: TestHost): Promise<void> {
  const insert = `insert into swarmplane.request (sql) values ('select 6 * 7 as n') returning id`;
  const [inserted] = await sql(hub, insert);
  const id = Number(inserted!['id']);
  await eventually(async () => {
    const [row] = await sql(hub, `select state from swarmplane.request where id = ${id}`);
    return row!['state'] === 'open' ? undefined : true;
  }, `request ${id} ends`);
  expect(
    await sql(
      hub,
      `select host, row ->> 'n' as n from swarmplane.result where request_id = ${id} order by host`,
    ),
  ).toEqual([
    { host: 'first', n: '42' },
    { host: 'second', n: '42' },
  ]);
}

function requests(hub: TestHost): Promise<Record<string, string>[]> {
  return sql(hub, 'select id, state, sql from swarmplane.request order by id');
}

async function sql(hub: TestHost, statement: string): Promise<Record<string, string>[]> {
  const { stdout, stderr, code } = await hub.cli('sql', '--json', statement);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Record<string, string>[];
}

function commandOf(pid: number): string[] {
  return execFileSync('cat', [`/proc/${pid}/cmdline`], { encoding: 'utf8' }).split('\0');
}

const CURVES = fileURLToPath(new URL('curves.mjs', import.meta.url));

/** RFC 8032 section 7.1 test 1, the empty message. */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const SEED_PUBLIC = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
const SIGNATURE =
  'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';

/** RFC 7748 section 6.1: Alice's secret, Bob's public key. */
const SECRET = '77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a';
const SECRET_PUBLIC = '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a';
const PEER = 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f';
const SHARED = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
