/**
 * Secure connections over loopback, both ends in this process: connections a second of the member
 * handshake and of admission beside TLS 1.3, throughput beside TLS 1.3, round trips beside TCP.
 * Every measure is taken in ROUNDS rounds, turn about, so that a busy moment hits all of them.
 */
import { rawPeers, type End, type Peers } from './lib/channel.ts';
import { median, printFigures, printMachine, type Figure } from './lib/report.ts';
import { admissionPeers, memberPeers } from './lib/secure-peers.ts';
import { tlsPeers } from './lib/tls-peers.ts';
import { secretbox, SECRETBOX_OVERHEAD_BYTES } from '../src/secure/index.ts';

const ROUNDS = 5;
const CONNECTIONS = 300;
const ADMISSIONS = 20;
const THROUGHPUT_BYTES = 128 * 2 ** 20;
const PINGS = 2_000;
/** Connections that are opened at once. */
const ABREAST = 8;
/** Bytes on the way at once, in whole messages. */
const WINDOW_BYTES = 2 ** 20;

const peers = {
  raw: await rawPeers(),
  'TLS 1.3 full, mutual': await tlsPeers('full'),
  'TLS 1.3 resumed, mutual': await tlsPeers('resumed'),
  'member handshake, sodium-native': await memberPeers('sodium-native'),
  'member handshake, tweetnacl': await memberPeers('tweetnacl'),
  'member handshake, member never met': await memberPeers(
    'sodium-native',
    ROUNDS * CONNECTIONS + 100,
  ),
  admission: await admissionPeers(),
};
type Name = keyof typeof peers;
const TLS = 'TLS 1.3 full, mutual';
const SODIUM = 'member handshake, sodium-native';
const TWEETNACL = 'member handshake, tweetnacl';

printMachine();
printFigures([
  ...(await connectionFigures()),
  ...(await throughputFigures(1024)),
  ...(await throughputFigures(65_536)),
  ...(await roundTripFigures()),
]);
for (const one of Object.values(peers)) await one.stop();

async function connectionFigures(): Promise<Figure[]> {
  const names = (Object.keys(peers) as Name[]).filter((name) => name !== 'raw');
  const rates = await inTurn(names, (name) =>
    connectionsPerSecond(peers[name], name === 'admission' ? ADMISSIONS : CONNECTIONS),
  );
  const resumed = rates['TLS 1.3 resumed, mutual']!;
  const full = rates['TLS 1.3 full, mutual']!;
  return names.map((name) => ({
    what: `connections a second: ${name}`,
    value: rates[name]!,
    unit: '/s',
    ...(name.startsWith('member') && { floor: { what: 'TLS 1.3 resumed', value: resumed } }),
    ...(name === 'admission' && { floor: { what: 'TLS 1.3 full', value: full } }),
  }));
}

async function throughputFigures(size: number): Promise<Figure[]> {
  const names: Name[] = [TLS, SODIUM, TWEETNACL, 'raw'];
  const bare: number[] = [];
  const rates = await inTurn(names, (name) => {
    if (name === SODIUM) bare.push(bareMebibytesPerSecond(size));
    return mebibytesPerSecond(peers[name], size, shareOf(name));
  });
  const figure = (title: string, value: number): Figure => ({
    what: `throughput, ${size / 1024} KiB messages: ${title}`,
    value,
    unit: 'MiB/s',
    floor: { what: 'TLS 1.3', value: rates[TLS]! },
  });
  return [
    ...names.slice(1).map((name) => figure(titleOf(name), rates[name]!)),
    figure('libsodium alone, seal and open, no socket', median(bare)),
  ];
}

/** What the cipher leaves at most to one thread that does both ends. */
function bareMebibytesPerSecond(size: number): number {
  const box = secretbox('sodium-native');
  const [key, nonce] = [new Uint8Array(32), new Uint8Array(24)];
  const buffer = new Uint8Array(size + SECRETBOX_OVERHEAD_BYTES);
  const startedAt = performance.now();
  for (let done = 0; done < THROUGHPUT_BYTES; done += size) {
    box.sealInPlace(key, nonce, buffer);
    box.openInPlace(key, nonce, buffer);
  }
  return (THROUGHPUT_BYTES / 2 ** 20 / (performance.now() - startedAt)) * 1000;
}

async function roundTripFigures(): Promise<Figure[]> {
  const names: Name[] = ['raw', TLS, SODIUM, TWEETNACL];
  const times = await inTurn(names, (name) => roundTripMicros(peers[name]));
  return names.slice(1).map((name) => ({
    what: `round trip of 64 bytes, median: ${titleOf(name)}`,
    value: times[name]!,
    unit: 'µs',
    floor: { what: 'raw TCP', value: times['raw']! },
  }));
}

/** The median of ROUNDS rounds by name, after one that does not count. */
async function inTurn(
  names: readonly Name[],
  measure: (name: Name) => Promise<number>,
): Promise<Partial<Record<Name, number>>> {
  const samples = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) samples.get(name)!.push(await measure(name));
  }
  return Object.fromEntries(names.map((name) => [name, median(samples.get(name)!)]));
}

async function connectionsPerSecond(of: Peers, count: number): Promise<number> {
  let left = count;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) closeBoth(await of.open());
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));
  return (count * 1000) / (performance.now() - startedAt);
}

async function mebibytesPerSecond(of: Peers, size: number, share: number): Promise<number> {
  const pair = await of.open();
  const message = new Uint8Array(size).fill(7);
  const run = (total: number): Promise<number> =>
    new Promise((resolve) => {
      const startedAt = performance.now();
      let sent = 0;
      let got = 0;
      const pump = (): void => {
        for (; sent < total && sent - got < WINDOW_BYTES; sent += size) pair.client.send(message);
      };
      pair.server.onBytes = (count) => {
        got += count;
        if (got >= total) resolve((got / 2 ** 20 / (performance.now() - startedAt)) * 1000);
        else if (sent - got <= WINDOW_BYTES / 2) pump();
      };
      pump();
    });
  await run(THROUGHPUT_BYTES * share * 0.1);
  const rate = await run(THROUGHPUT_BYTES * share);
  closeBoth(pair);
  return rate;
}

async function roundTripMicros(of: Peers): Promise<number> {
  const pair = await of.open();
  const message = new Uint8Array(64);
  const samples: number[] = [];
  pair.server.onBytes = () => pair.server.send(message);
  await new Promise<void>((resolve) => {
    let startedAt = 0;
    const ping = (): void => {
      startedAt = performance.now();
      pair.client.send(message);
    };
    pair.client.onBytes = () => {
      samples.push((performance.now() - startedAt) * 1000);
      if (samples.length === PINGS) resolve();
      else ping();
    };
    ping();
  });
  closeBoth(pair);
  return median(samples.slice(PINGS / 10));
}

/** Tweetnacl is so slow that a tenth of the bytes says as much. */
function shareOf(name: Name): number {
  return name === TWEETNACL ? 0.1 : 1;
}

function titleOf(name: Name): string {
  return name === 'raw' ? 'raw TCP' : name.replace('member handshake', 'session');
}

function closeBoth(pair: { client: End; server: End }): void {
  pair.client.close();
  pair.server.close();
}
