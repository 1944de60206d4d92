import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  attachSignature,
  decodeMessage,
  decodeSigned,
  encodeMessage,
  fromHex,
  pack,
  signingBytes,
  WireError,
} from '../../src/wire/index.ts';
import type { RequestMessage, SwarmMessage } from '../../src/wire/index.ts';
import { SWARM_ID } from '../sim/host.ts';
import type { SimHost } from '../sim/host.ts';
import { World } from '../sim/world.ts';
import { Peer } from './peer.ts';

/** What hosts said to each other while one request was asked and answered. */
function overheard(seed: number, tuning = {}): { world: World; messages: Uint8Array[] } {
  const world = new World({ seed, nodes: 3, tuning });
  const messages: Uint8Array[] = [];
  world.network.tamper = (_from, message) => {
    messages.push(message);
    return message;
  };
  world.settle();
  world.finish(world.hosts[0]!.ask());
  return { world, messages };
}

describe('bytes from peers', () => {
  test('garbage closes that link and nothing else', () => {
    const world = new World({ seed: 61, nodes: 3 }).settle();
    const peer = new Peer(world, world.hosts[0]!);
    expect(peer.isUp).toBe(true);
    peer.says(Uint8Array.of(0xc1));
    expect(peer.isUp).toBe(false);
    expect(world.hosts[0]!.core!.sizes()['links']).toBe(2);
  });

  test('random bytes never throw out of the core', () => {
    const world = new World({ seed: 62, nodes: 2 }).settle();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        new Peer(world, world.hosts[0]!).says(bytes);
      }),
      { numRuns: 200, seed: 62 },
    );
  });

  test('a real message cut or changed anywhere is a message or a WireError', () => {
    const { messages } = overheard(63, { probeMeanMs: 1_000 });
    const kinds = new Map(messages.map((bytes) => [decodeMessage(bytes)!.t, bytes]));
    const seen = ['holds', 'news', 'probe', 'probed', 'reply', 'request', 'seals-have', 'summary'];
    expect([...kinds.keys()].sort()).toEqual(seen);
    for (const bytes of kinds.values()) {
      for (let at = 0; at < bytes.length; at++) {
        expect(() => decodeMessage(bytes.subarray(0, at))).toThrow(WireError);
        const flipped = bytes.slice();
        flipped[at]! ^= 0x55;
        tolerates(() => decodeMessage(flipped));
      }
    }
  });

  test('a signed object cut anywhere is a WireError', () => {
    const { messages } = overheard(64);
    const signed = messages.map((bytes) => decodeMessage(bytes)).find((it) => it?.t === 'request');
    const bytes = (signed as RequestMessage).signed;
    for (let at = 0; at < bytes.length; at++) {
      expect(() => decodeSigned(bytes.subarray(0, at))).toThrow(WireError);
    }
  });

  test('a message of a later version is ignored', () => {
    const world = new World({ seed: 65, nodes: 3 }).settle();
    const peer = new Peer(world, world.hosts[0]!);
    peer.says(pack({ t: 'shiny', more: 1 }));
    expect(peer.isUp).toBe(true);
  });
});

function tolerates(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(WireError);
  }
}

/** By somebody that nobody knows. */
function forgedAccusation(by: Uint8Array, node: Uint8Array, incarnation: number): Uint8Array {
  const swarm = SWARM_ID;
  const signed = signingBytes({ kind: 'accuse', swarm, node, incarnation, by });
  return attachSignature(signed, new Uint8Array(64));
}

describe('hostile members', () => {
  test('a request that is replayed has no second effect, even after an hour', () => {
    const { world, messages } = overheard(66);
    const request = messages
      .map((bytes) => decodeMessage(bytes))
      .find((message): message is RequestMessage => message?.t === 'request')!;
    const target = world.hosts[1]!;
    const peer = new Peer(world, target);
    const again = { ...request, ms: 600_000, hops: 32 };
    peer.says(encodeMessage(again));
    for (let minute = 0; minute < 60; minute++) {
      world.run(60_000);
      peer.says(encodeMessage({ t: 'heartbeat' }));
      new Peer(world, target).says(encodeMessage(again));
    }
    world.run(10_000);
    expect(target.runs).toHaveLength(1);
  });

  test('a request with a changed body is not run', () => {
    const { world, messages } = overheard(67);
    const seen = messages.map((bytes) => decodeMessage(bytes)).find((it) => it?.t === 'request');
    const late = world.addHost();
    late.seeds = [];
    late.start();
    const request = seen as RequestMessage;
    new Peer(world, late).says(encodeMessage({ ...request, body: new Uint8Array(8) }));
    world.run(100);
    expect(late.runs).toEqual([]);
  });

  test('relays that flip bits cause timeouts, never a wrong answer', () => {
    const world = new World({ seed: 68, nodes: 4 }).settle();
    world.network.tamper = (_from, message) => {
      const decoded = decodeMessage(message) as SwarmMessage;
      if (decoded.t !== 'reply') return message;
      const sealed = decoded.sealed.slice();
      sealed[world.random.between(0, sealed.length - 1)]! ^= 1;
      return encodeMessage({ ...decoded, sealed });
    };
    const asked = world.hosts[0]!.ask({ timeoutMs: 5_000 });
    expect(world.finish(asked)).toEqual({ h0: 'ok', h1: 'timeout', h2: 'timeout', h3: 'timeout' });
  });

  test('a thousand made-up identities and accusations leave everybody alive', () => {
    const world = new World({ seed: 69, nodes: 3 }).settle();
    const [host, other] = world.hosts as [SimHost, SimHost];
    const peer = new Peer(world, host);
    const { incarnation } = host.members().find((it) => it.nodeId === other.nodeId)!;
    for (let i = 0; i < 1_000; i++) {
      const random = world.random;
      peer.says(
        encodeMessage({
          t: 'news',
          objects: [forgedAccusation(random.bytes(32), fromHex(other.nodeId), incarnation)],
        }),
      );
    }
    expect(host.sees(other)).toBe('alive');
  });
});
