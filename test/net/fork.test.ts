/** An identity that signs two key lists, and the operator's word on which is the good one. */
import { afterEach, describe, expect, test } from 'vitest';
import { Identity, issueHeadCertificate, sha256 } from '../../src/secure/index.ts';
import {
  createSwarm,
  meshed,
  member,
  random,
  startNode,
  stopAll,
  until,
  type TestNode,
} from './swarm-nodes.ts';

afterEach(stopAll);

const NOW = Math.floor(Date.now() / 1000);
const first = Identity.create(random, NOW - 20_000);
/** Two hosts from one copied disk that both rotated. */
const pinned = first.rotate(random, NOW - 10_000);
const other = first.rotate(random, NOW - 9_000);

const isFrozen = (node: TestNode) => node.node.keyList(first.nodeId).fork !== undefined;
const forks = (node: TestNode) => node.alarms.filter((one) => one.kind === 'fork');
const isLinked = (node: TestNode) => member(node, 'x')?.linked === true;
const versionOne = (node: TestNode) => node.node.keyList(first.nodeId).entries[1]?.bytes;

describe('an identity that signed two lists', () => {
  test.each([
    ['pinned', pinned, other],
    ['other', other, pinned],
  ])(
    'comes free at every host for the %s list, and the rest stays out',
    async (_what, good, bad) => {
      const swarm = await createSwarm();
      const a = await startNode('a', swarm.secrets);
      const seeds = { seeds: [a.address] };
      const b = await startNode('b', swarm.secrets, seeds);
      const x = await startNode('x', swarm.secrets, { ...seeds, identity: pinned });
      await meshed(a, b, x);
      await x.node.stop();
      const clone = await startNode('x', swarm.secrets, {
        seeds: [a.address, b.address],
        identity: other,
      });
      await until(() => isFrozen(a) && isFrozen(b));
      await clone.node.stop();
      expect(forks(a)).toHaveLength(1);

      const { nodeId } = first;
      const hash = sha256(good.newest.bytes);
      const record = issueHeadCertificate(swarm.operator, { nodeId, version: 1, hash }, NOW);
      const bundle = { records: [record], parts: [] };
      expect(await a.node.install(bundle)).toBe(true);
      expect(await a.node.install(bundle)).toBe(false);
      await until(() => !isFrozen(a) && !isFrozen(b));
      for (const node of [a, b])
        expect(forks(node).at(-1)).toMatchObject({ over: true, key: nodeId });

      // A host that was not there hears of it from its neighbours.
      const late = await startNode('late', swarm.secrets, seeds);
      await meshed(a, b, late);
      const back = await startNode('x', swarm.secrets, { ...seeds, identity: good });
      await meshed(a, b, late, back);
      for (const node of [a, b, late]) {
        expect(Buffer.from(versionOne(node)!).equals(good.newest.bytes)).toBe(true);
      }
      await back.node.stop();
      await until(() => ![a, b, late].some(isLinked));
      const again = await startNode('x', swarm.secrets, { ...seeds, identity: bad });
      await until(() => again.logged.some((line) => line.includes('link down')));
      for (const node of [a, b, late]) {
        expect([isFrozen(node), isLinked(node)]).toEqual([false, false]);
        expect(forks(node).filter((one) => one.over === undefined).length).toBeLessThanOrEqual(1);
      }
    },
  );
});
