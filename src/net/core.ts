/** Makes the swarm core of what was kept from the last run. */
import { parseKeyEntry, type KeyEntry } from '../secure/index.ts';
import { SwarmCore, restore } from '../swarm/index.ts';
import { defaultAdvertised, type HostPort } from './address.ts';
import type { NetOptions } from './options.ts';

export function createCore(
  options: NetOptions,
  here: { bootId: Uint8Array; address: HostPort; random: (n: number) => Uint8Array },
): SwarmCore {
  const { identity, name, labels, version, hub, secrets, seeds, store, tuning } = options;
  const { host, port } = here.address;
  return new SwarmCore({
    self: {
      ...{ nodeId: identity.nodeId, entry: identity.newest, bootId: here.bootId },
      ...{ name, labels, version, hub },
      addresses: options.advertise?.length ? options.advertise : defaultAdvertised(host, port),
    },
    ...{ swarmId: secrets.swarmId, epoch: secrets.epoch, random: here.random, seeds },
    crypto: identity.crypto(),
    parseEntry,
    ...restore((key) => store.read(key)),
    ...(tuning && { tuning }),
  });
}

function parseEntry(bytes: Uint8Array): KeyEntry | undefined {
  try {
    return parseKeyEntry(bytes);
  } catch {
    return undefined;
  }
}
