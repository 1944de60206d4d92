/** A hostile member that shows itself under another host's name or address, on real sockets. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { decodeProbeAnswer, unpack } from '../../src/wire/index.ts';
import type { ProbeResult } from '../../src/swarm/index.ts';
import {
  createSwarm,
  meshed,
  startNode,
  stopAll,
  until,
  type TestNode,
  type TestSwarm,
} from './swarm-nodes.ts';

let swarm: TestSwarm;
beforeAll(async () => {
  swarm = await createSwarm();
});
afterEach(stopAll);

/** Probes follow each other at once, so that all members are soon looked at. */
const PROBING = { probeMeanMs: 100, probeAnswerMs: 2_000 };

async function members(names: readonly string[]): Promise<TestNode[]> {
  const nodes: TestNode[] = [];
  for (const name of names) {
    const seeds = nodes.slice(0, 1).map((node) => node.address);
    nodes.push(await startNode(name, swarm.secrets, { seeds, tuning: PROBING }));
  }
  await meshed(...nodes);
  return nodes;
}

const alarm = (at: TestNode, kind: string) => at.alarms.find((one) => one.kind === kind);
const probeOf = (at: TestNode, node: TestNode): ProbeResult | undefined =>
  at.node.probes().find((one) => one.nodeId === node.identity.nodeId);

describe('probes between honest members', () => {
  test('find everybody consistent where three witnesses know a host', async () => {
    const nodes = await members(['a', 'b', 'c', 'd', 'e']);
    await until(() => nodes.every((node) => node.node.probes().length === 4));
    await until(() =>
      nodes.every((node) => node.node.probes().every((one) => one.verdict === 'consistent')),
    );
    for (const node of nodes) {
      expect(node.alarms.filter((one) => one.over === undefined)).toEqual([]);
      for (const { asked, same, others } of node.node.probes()) {
        expect([asked.length, same.length, others.length]).toEqual([3, 3, 0]);
      }
    }
  });

  test('say unknown where fewer than three witnesses know it', async () => {
    const [a, b, c] = (await members(['a', 'b', 'c'])) as [TestNode, TestNode, TestNode];
    await until(() => probeOf(a, b) !== undefined && probeOf(a, c) !== undefined);
    expect(probeOf(a, b)).toMatchObject({ verdict: 'unknown', asked: [c.identity.nodeId] });
    expect(a.alarms.filter((one) => one.kind === 'probe_conflict' && !one.over)).toEqual([]);
  });
});

describe('a hostile member', () => {
  test('under the name and the address of another host is found by all', async () => {
    const [a, b, c] = (await members(['a', 'b', 'c'])) as [TestNode, TestNode, TestNode];
    const seeds = [a.address];
    const hostile = await startNode('b', swarm.secrets, { seeds, advertise: [b.address] });
    for (const node of [a, c]) {
      await until(() => alarm(node, 'name_reused') !== undefined);
      await until(() => alarm(node, 'address_reused') !== undefined);
      for (const id of [b, hostile].map((one) => one.identity.nodeId.slice(0, 12))) {
        expect(alarm(node, 'address_reused')!.message).toContain(id);
        expect(alarm(node, 'name_reused')!.message).toContain(id);
      }
    }
  });

  test('between a new host and the one it dials first is found by the probe, with proof', async () => {
    const witnesses = await members(['t', 'w1', 'w2', 'w3', 'w4']);
    const [target, ...others] = witnesses as [TestNode, ...TestNode[]];
    // It answers where the new host looks for t, knows nobody, and calls itself t.
    const hostile = await startNode('t', swarm.secrets, { advertise: [target.address] });
    const fresh = await startNode('new', swarm.secrets, {
      seeds: [hostile.address, others[0]!.address],
      tuning: PROBING,
    });
    const conflict = () =>
      fresh.alarms.find(
        (one) => one.kind === 'probe_conflict' && one.key === hostile.identity.nodeId,
      );
    await until(() => conflict() !== undefined);
    const { message } = conflict()!;
    expect(message).toContain(
      `"t" at ${hostile.address} is ${hostile.identity.nodeId.slice(0, 12)}`,
    );
    expect(message).toContain(`but ${target.identity.nodeId.slice(0, 12)} (key 0, `);
    // The first probe may have come before all links were up.
    await until(() => (probeOf(fresh, hostile)?.others.length ?? 0) >= 3);
    const result = probeOf(fresh, hostile)!;
    expect(result.verdict).toBe('conflict');
    // The proof holds signed answers that name the true node, one for each witness that differs.
    const [, ...signed] = unpack(result.proof!) as unknown as Uint8Array[];
    expect(signed).toHaveLength(result.others.length);
    for (const [i, bytes] of signed.entries()) {
      const proof = decodeProbeAnswer(bytes);
      const witness = result.others[i]!;
      expect(Buffer.from(proof.answer.by).toString('hex')).toBe(witness);
      const named = proof.answer.known.map(
        (head) => head && Buffer.from(head.node).toString('hex'),
      );
      expect(named).toContain(target.identity.nodeId);
      expect(named).not.toContain(hostile.identity.nodeId);
      const { entries } = fresh.node.keyList(witness);
      const verify = fresh.identity
        .crypto()
        .verify(entries.at(-1)!.signKey, proof.signed, proof.signature);
      expect(verify).toBe(true);
    }
  });
});
