import { describe, expect, test } from 'vitest';
import { decodeMessage, decodeSigned, encodeMessage } from '../../../src/wire/index.ts';
import type { RequestBody, RequestMessage } from '../../../src/wire/index.ts';
import type { Targets } from '../../../src/swarm/index.ts';
import type { SimHost } from '../../sim/host.ts';
import { World } from '../../sim/world.ts';
import { Peer } from '../peer.ts';
import { chain } from './chain.ts';

/** A world in which each REQ is overheard by somebody who is a member as well. */
function overheard(seed: number, nodes = 3): { world: World; heard: RequestMessage[] } {
  const world = new World({ seed, nodes }).settle();
  const heard: RequestMessage[] = [];
  world.network.tamper = (_from, message) => {
    const decoded = decodeMessage(message);
    if (decoded?.t === 'request') heard.push(decoded);
    return message;
  };
  return { world, heard };
}

function restarted(world: World, host: SimHost): void {
  host.crash();
  world.run(1_000);
  host.start();
  world.run(5_000);
}

function idOf(message: RequestMessage): string {
  return Buffer.from((decodeSigned(message.signed).body as RequestBody).id).toString('hex');
}

function runsOf(host: SimHost, message: RequestMessage): number {
  return host.runs.filter(({ request }) => request.id === idOf(message)).length;
}

describe('a REQ that was carried out', () => {
  test.each<[string, (host: SimHost) => Targets]>([
    ['of all', () => ({ kind: 'all' })],
    ['of named hosts', (host) => ({ kind: 'nodes', nodes: [host.nodeId] })],
  ])('%s is not carried out again by the same host, started anew', (_who, targets) => {
    const { world, heard } = overheard(401);
    const [asker, host] = [world.hosts[0]!, world.hosts[1]!];
    world.finish(asker.ask({ targets: targets(host), timeoutMs: 60_000 }));
    const message = heard[0]!;
    expect(runsOf(host, message)).toBe(1);
    restarted(world, host);
    const thief = new Peer(world, host);
    thief.says(encodeMessage({ ...message, hops: 1, ms: 50_000 }));
    world.run(2_000);
    expect(runsOf(host, message)).toBe(1);
    // Nor once its clock was set, nor as long as it would be valid.
    for (let minute = 0; minute < 6; minute++) {
      world.run(60_000);
      thief.says(encodeMessage({ ...message, hops: 1, ms: 50_000 }));
    }
    world.run(2_000);
    expect(runsOf(host, message)).toBe(1);
  });

  test('what its origin asks now, a host that was started anew carries out at once', () => {
    const { world } = overheard(402);
    const [asker, host] = [world.hosts[0]!, world.hosts[1]!];
    restarted(world, host);
    expect(world.finish(asker.ask({ targets: { kind: 'all' } }))['h1']).toBe('ok');
    const targets: Targets = { kind: 'nodes', nodes: [host.nodeId] };
    expect(world.finish(asker.ask({ targets }))['h1']).toBe('ok');
  });

  test('over others, what is asked of all waits for five minutes after a start, and says so', () => {
    const { world, outer, far } = chain(403);
    restarted(world, far);
    const early = outer.ask({ targets: { kind: 'all' } });
    world.finish(early);
    const said = early.account!.hosts.find(({ name }) => name === far.name);
    expect(said).toMatchObject({ state: 'refused', code: 'restarted' });
    expect(said!.message).toMatch(/ask again in 29\d s/);
    // What names it is sealed to the run that it is in, so that nothing is unsure.
    const targets: Targets = { kind: 'nodes', nodes: [far.nodeId] };
    expect(world.finish(outer.ask({ targets }))[far.name]).toBe('ok');
    world.run(300_000);
    expect(world.finish(outer.ask({ targets: { kind: 'all' } }))[far.name]).toBe('ok');
  });

  test('a host that never ran before has carried out nothing, and takes it over others at once', () => {
    const { world, outer, far } = chain(404);
    expect(world.finish(outer.ask({ targets: { kind: 'all' } }))[far.name]).toBe('ok');
  });
});
