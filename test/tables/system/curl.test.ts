/** curl beside curl(1), asking a server of this test. */
import { execFile } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

import { expect, onTestFinished, test } from 'vitest';

import { curl } from '../../../src/tables/system/curl.ts';
import type { Constraint, HostFacts } from '../../../src/tables/types.ts';
import { needs } from '../../helpers/needs.ts';
import { contextFor, eq } from '../lib/context.ts';
import { expectShape } from '../lib/shape.ts';

const allow = (...hosts: string[]): HostFacts => ({
  agent: {},
  allowed: { configLines: [], curlHosts: hosts },
});

const answer: RequestListener = (request, response) => {
  if (request.url === '/moved') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  else if (request.url === '/big') response.end(Buffer.alloc(3 * 1024 * 1024, 'x'));
  else if (request.url === '/dead') request.socket.destroy();
  else if (request.url === '/begun') response.write('x');
  else response.writeHead(404).end(`${request.method} ${request.headers['user-agent']} ü`);
};

async function server(): Promise<string> {
  const listening = createServer(answer);
  onTestFinished(() => {
    listening.close();
    listening.closeAllConnections();
  });
  await new Promise<void>((done) => listening.listen(0, '127.0.0.1', done));
  return `127.0.0.1:${(listening.address() as AddressInfo).port}`;
}

async function ask(facts: HostFacts, ...constraints: Constraint[]) {
  const context = contextFor(curl, { facts, constraints });
  const rows = curl.kind === 'snapshot' ? await curl.collect(context) : [];
  expectShape(curl, rows);
  return { rows, warnings: context.warnings };
}

needs('curl')('status, size and body are those that curl(1) gets', async () => {
  const at = await server();
  for (const path of ['/', '/moved']) {
    const url = `http://${at}${path}`;
    const { rows } = await ask(allow(at), eq('url', url), eq('user_agent', 'me/1'));
    const format = '%{response_code} %{size_download}';
    // The server is in this process, so curl is not waited for by blocking it.
    const theirs = await new Promise<string>((done, fail) =>
      execFile(
        'curl',
        ['-s', '--noproxy', '*', '-A', 'me/1', '-w', `\n${format}`, url],
        (error, out) => (error ? fail(error) : done(out)),
      ),
    );
    const [row] = rows;
    expect(`${String(row!.result)}\n${String(row!.response_code)} ${String(row!.bytes)}`).toBe(
      theirs,
    );
    expect(row).toMatchObject({ url, method: 'GET', user_agent: 'me/1' });
  }
});

test('a long body is cut, and one that does not come is no row of an answer', async () => {
  const at = await server();
  const big = await ask(allow(at), eq('url', `http://${at}/big`));
  expect(big.rows).toMatchObject([{ bytes: 3 * 1024 * 1024, user_agent: 'osquery' }]);
  expect(String(big.rows[0]!.result)).toHaveLength(1024 * 1024);
  expect(big.warnings).toEqual([expect.stringContaining('only the first 1048576 bytes')]);
  const dead = await ask(allow(at), eq('url', `http://${at}/dead`));
  expect(dead.rows).toEqual([{ url: `http://${at}/dead`, method: 'GET', user_agent: 'osquery' }]);
  expect(dead.warnings).toEqual([expect.stringContaining('no answer')]);
});

test('an answer that does not end is none, and says after how long', async () => {
  const at = await server();
  const begun = await ask(allow(at), eq('url', `http://${at}/begun`));
  expect(begun.rows).toHaveLength(1);
  expect(begun.rows[0]).not.toHaveProperty('response_code');
  expect(begun.warnings).toEqual([
    `http://${at}/begun: no answer: not all of it came within 4000 ms`,
  ]);
});

test('nobody is asked whom the host does not name', async () => {
  const at = await server();
  const port = at.split(':')[1]!;
  const refused = async (url: string, ...hosts: string[]) => {
    await expect(ask(allow(...hosts), eq('url', url)), url).rejects.toThrow(
      /is not asked: .* curl_hosts/,
    );
  };
  await refused(`http://${at}/`, '127.0.0.1', '127.0.0.1:1');
  await refused(`http://localhost:${port}/`, at);
  await refused(`http://${at}@evil.example:${port}/`, at);
  await refused('https://a.example.evil.example/', 'a.example');
  await expect(ask(allow('a.example'), eq('url', 'file:///etc/passwd'))).rejects.toThrow(
    'http:// or https://',
  );
  await expect(ask(allow('a.example'), eq('url', 'nonsense'))).rejects.toThrow(
    '"nonsense" is no address',
  );
  await expect(ask({ agent: {} }, eq('url', `http://${at}/`))).rejects.toThrow(
    'asks no web servers',
  );
});
