/** Everything that crosses the wire while a host joins and is asked, searched for what must not be there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Identity, parseJoinToken } from '../../src/secure/index.ts';
import { RecordingProxy } from '../helpers/recording-proxy.ts';
import { freeAddress, TestHost, TestSwarm } from '../helpers/swarm.ts';

const NEEDLE = 'needle-in-the-haystack-4711';

it('holds neither a row, nor the question, nor the join secret, nor an identity key', async () => {
  const swarm = await TestSwarm.start(['c1']);
  const first = swarm.host('c1');
  const proxy = await RecordingProxy.start(first.address);
  try {
    const listen = await freeAddress();
    const args = [
      'up',
      '--name',
      'c2',
      '--listen',
      listen,
      '--join',
      proxy.address,
      '--token-file',
      swarm.tokenFile,
    ];
    const second = new TestHost('c2', swarm.folder, listen, args);
    swarm.hosts.push(second);
    second.start();
    await swarm.whole();
    const { stdout, code } = await second.cli(
      'query',
      `select '${NEEDLE}' as found, username from users where uid = 0`,
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`c1 +\\| ${NEEDLE} +\\| root`));

    const wire = Buffer.from(proxy.capture());
    expect(wire.length).toBeGreaterThan(2_000);
    for (const [what, bytes] of secrets(swarm)) {
      expect([what, wire.includes(bytes)]).toEqual([what, false]);
    }
  } finally {
    await proxy.stop();
    await swarm.stop();
  }
});

function secrets(swarm: TestSwarm): [string, Buffer][] {
  const token = parseJoinToken(readFileSync(swarm.tokenFile, 'utf8'));
  const kept = JSON.parse(
    readFileSync(join(swarm.hosts[0]!.state, 'swarm.json'), 'utf8'),
  ) as Record<string, string>;
  const identities = swarm.hosts.map((host) =>
    Identity.parse(readFileSync(join(host.state, 'identity.key'))),
  );
  return [
    ['the row', Buffer.from(NEEDLE)],
    ['the question', Buffer.from('from users')],
    ['the join secret', Buffer.from(token.secret)],
    ['the token', Buffer.from(token.text.slice(-40))],
    ['the epoch key', Buffer.from(kept['epochKey']!, 'hex')],
    ...identities.flatMap(({ newest }): [string, Buffer][] => [
      ['a signing key', Buffer.from(newest.signKey)],
      ['a sealing key', Buffer.from(newest.boxKey)],
    ]),
  ];
}
