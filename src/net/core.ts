/** Makes the swarm core of what was kept from the last run. */
import {
  KeyBook,
  operatorsOf,
  parseAnyEpochHead,
  parseKeyEntry,
  parseOperatorRecord,
  pinnedOf,
  type Crypto,
  type Identity,
  type EpochHead,
  type KeyEntry,
  type OperatorRecord,
  type OperatorSet,
  type SwarmSecrets,
} from '../secure/index.ts';
import { SwarmCore, restore } from '../swarm/index.ts';
import type { Address } from '../base/index.ts';
import { defaultAdvertised } from './address.ts';
import type { NetOptions, Store } from './options.ts';

/** What checking one signature takes here, microseconds: the least of some tries, as others disturb. */
function verifyMicros(crypto: Crypto, signKey: Uint8Array): number {
  const message = new Uint8Array(512);
  const signature = crypto.sign(message);
  const times = Array.from({ length: VERIFY_TRIES }, () => {
    const startedAt = performance.now();
    crypto.verify(signKey, message, signature);
    return (performance.now() - startedAt) * 1000;
  });
  return Math.max(1, Math.min(...times));
}

const VERIFY_TRIES = 8;

export function createCore(
  options: NetOptions,
  here: {
    bootId: Uint8Array;
    address: Address;
    random: (n: number) => Uint8Array;
    /** The present secrets: the operator key becomes known with the admission. */
    secrets: () => SwarmSecrets;
    /** The present identity: its newest key signs. */
    identity: () => Identity;
    keyBook: KeyBook;
  },
): SwarmCore {
  const { identity, name, labels, version, hub, secrets, seeds, store, tuning } = options;
  const { host, port } = here.address;
  return new SwarmCore({
    self: {
      nodeId: identity.nodeId,
      entry: identity.newest,
      bootId: here.bootId,
      name,
      labels,
      version,
      hub,
      admission: secrets.admission ?? new Uint8Array(0),
      addresses: options.advertise?.length ? options.advertise : defaultAdvertised(host, port),
    },
    swarmId: secrets.swarmId,
    epoch: secrets.epoch,
    random: here.random,
    seeds,
    ...headOf(secrets),
    crypto: { ...identity.crypto(), sign: (message) => here.identity().sign(message) },
    keyBook: here.keyBook,
    parseEntry,
    parseRecord: (bytes, operators) => parseRecord(bytes, here.secrets(), operators),
    operators: () => operatorsOf(here.secrets()),
    verifyMicros: verifyMicros(identity.crypto(), identity.newest.signKey),
    ...restore(readKept(store)),
    ...(options.alarms && { alarms: options.alarms }),
    ...(tuning && { tuning }),
  });
}

/** An unreadable book is begun anew, and said so: pins are lost, not the agent. */
export function readKeyBook({ identity, store, log }: NetOptions): KeyBook {
  const bytes = store.read('key-book');
  if (bytes === undefined) return new KeyBook(identity.entries);
  try {
    return KeyBook.parse(bytes, identity.entries);
  } catch (error) {
    log.error({ err: error }, 'the key book cannot be read and is begun anew');
    return new KeyBook(identity.entries);
  }
}

/** The keys of the core's persist effects. */
const KEPT_KEYS = ['members', 'incarnation', 'records', 'seats', 'prekeys', 'seals'];

function readKept(store: Store): Map<string, Uint8Array> {
  const kept = KEPT_KEYS.map((key) => [key, store.read(key)] as const);
  return new Map(kept.filter((one): one is [string, Uint8Array] => one[1] !== undefined));
}

function parseRecord(
  bytes: Uint8Array,
  { operatorKey, swarmId }: SwarmSecrets,
  operators: OperatorSet | undefined,
): OperatorRecord | undefined {
  if (operatorKey === undefined || operators === undefined) return undefined;
  try {
    return parseOperatorRecord(new Uint8Array(bytes), { operatorKey, swarmId, operators });
  } catch {
    return undefined;
  }
}

/** The present epoch, whether or not the key that made it still counts. */
function headOf(secrets: SwarmSecrets): { readonly head?: EpochHead } {
  const pinned = pinnedOf(secrets);
  if (pinned === undefined || secrets.head === undefined) return {};
  return { head: parseAnyEpochHead(secrets.head, pinned) };
}

function parseEntry(bytes: Uint8Array): KeyEntry | undefined {
  try {
    return parseKeyEntry(bytes);
  } catch {
    return undefined;
  }
}
