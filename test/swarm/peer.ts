import { simulatedEntry } from '../sim/crypto.ts';
import type { SimHost } from '../sim/host.ts';
import type { World } from '../sim/world.ts';

/** Hands a host bytes as if a linked peer had sent them. */
export class Peer {
  readonly host: SimHost;
  readonly link = 1_000_000;

  constructor(world: World, host: SimHost) {
    this.host = host;
    const stranger = world.addHost();
    const entry = simulatedEntry(stranger.signKey);
    const identity = { nodeId: stranger.nodeId, bootId: stranger.bootId, entry };
    host.do(() => host.core!.handleLinkUp(host.now, this.link, identity, { initiator: false }));
  }

  says(bytes: Uint8Array): void {
    this.host.do(() => this.host.core!.handleMessage(this.host.now, this.link, bytes));
  }

  get isUp(): boolean {
    return this.host.core!.sizes()['links'] === this.host.world.hosts.length - 1;
  }
}
