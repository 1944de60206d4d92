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
    const identity = {
      nodeId: stranger.nodeId,
      bootId: stranger.bootId,
      entry,
      admission: stranger.admission,
    };
    host.do(() => host.core!.handleLinkUp(host.now, this.link, identity, { initiator: false }));
    // Its seat is on the disk before its link counts.
    world.run(20);
  }

  says(bytes: Uint8Array): void {
    this.host.do(() => this.host.core!.handleMessage(this.host.now, this.link, bytes));
  }

  get isUp(): boolean {
    return this.host.core!.sizes()['links'] === this.host.world.hosts.length - 1;
  }
}
