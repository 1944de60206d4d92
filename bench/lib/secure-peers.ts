/** This program's own handshakes and sessions, over the FrameSocket that agents use. */
import { randomBytes } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { NetError } from '../../src/net/errors.ts';
import { FrameSocket } from '../../src/net/frame-socket.ts';
import { JpakePool } from '../../src/net/jpake-pool.ts';
import { DEFAULT_NET_TUNING } from '../../src/net/tuning.ts';
import {
  Admission,
  Identity,
  MemberHandshake,
  OperatorKey,
  secretbox,
  type HandshakeStep,
  type Secretbox,
  type SecretboxName,
  type Session,
  createEpoch,
  issueToken,
  SigningKey,
  tokenTag,
  type Gate,
  type SwarmSecrets,
} from '../../src/secure/index.ts';
import { closed, listening, socketPair, type End, type Peers } from './channel.ts';

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
const newIdentity = (): Identity => Identity.create(random, Math.floor(Date.now() / 1000));

const operator = OperatorKey.create(random);
const epochKey = random(32);
const seed = random(32);
const { publicKey } = new SigningKey(seed);
const tag = tokenTag(operator.swarmId, publicKey);
const joinKey = random(32);
const { head } = createEpoch(operator, {
  epoch: 1,
  parent: undefined,
  epochKey,
  nowSeconds: 1_700_000_000,
  random,
  members: [{ entry: newIdentity().newest, nameTag: new Uint8Array(8) }],
});
const token = issueToken(operator, {
  epochId: head.id,
  version: 1,
  publicKey,
  joinKey,
  uses: 4096,
  made: 0,
  notAfter: 1,
  note: '',
  host: '',
  state: 'open',
});
const gate: Gate = { token: () => token, seat: () => undefined };
const stranger = (): SwarmSecrets => ({
  swarmId: operator.swarmId,
  epoch: 0,
  joining: { joinKey, seed: seed.slice(), tag },
});
const secrets: SwarmSecrets = {
  swarmId: operator.swarmId,
  operatorKey: operator.publicKey,
  epochKey,
  epoch: 1,
  epochId: head.id,
  head: head.bytes,
};

interface Talker {
  readonly frames: FrameSocket;
  readonly first?: Uint8Array | Promise<Uint8Array>;
  handle(message: Uint8Array): HandshakeStep | Promise<HandshakeStep>;
}

/**
 * Two members. With `strangers` the initiator is a member never met before, each time another of
 * that many; else both were met before and their keys are parsed already.
 */
export async function memberPeers(name: SecretboxName, strangers = 0): Promise<Peers> {
  const listener = await listening(createServer());
  const box = secretbox(name);
  const server = { identity: newIdentity(), bootId: random(16) };
  const clients = Array.from({ length: strangers || 1 }, newIdentity);
  let opened = 0;
  const make = (role: 'initiator' | 'responder', who: { identity: Identity; bootId: Uint8Array }) =>
    new MemberHandshake({ ...who, role, secrets, random, box, isFresh: () => true });
  return {
    async open() {
      if (strangers > 0 && opened >= strangers) throw new Error('all strangers are known by now');
      const identity = clients[opened++ % clients.length]!;
      const a = make('initiator', { identity, bootId: random(16) });
      const first = a.start();
      const b = make('responder', server);
      const [there, here] = await socketPair(listener);
      return both(
        { frames: framed(here), first, handle: (message) => a.handle(message) },
        { frames: framed(there), handle: (message) => b.handle(message) },
      );
    },
    stop: () => closed(listener),
  };
}

/** A host with the token and a member; each has its J-PAKE worker, as two agents have. */
export async function admissionPeers(): Promise<Peers> {
  const listener = await listening(createServer());
  const pools = [new JpakePool(DEFAULT_NET_TUNING), new JpakePool(DEFAULT_NET_TUNING)] as const;
  const box: Secretbox = secretbox();
  const make = (role: 'initiator' | 'responder', identity: Identity): Admission => {
    const [pool, own] = role === 'initiator' ? [pools[0], stranger()] : [pools[1], secrets];
    const createPake = pool.create.bind(pool);
    const options = { role, identity, bootId: random(16), random, box, createPake };
    return new Admission({ ...options, secrets: own, gate });
  };
  const server = newIdentity();
  return {
    async open() {
      const a = make('initiator', newIdentity());
      const first = await a.start();
      const b = make('responder', server);
      const [there, here] = await socketPair(listener);
      return both(
        { frames: framed(here), first, handle: (message) => a.handle(message) },
        { frames: framed(there), handle: (message) => b.handle(message) },
      );
    },
    async stop() {
      await Promise.all(pools.map((pool) => pool.stop()));
      await closed(listener);
    },
  };
}

/** The limit on what one peer may send in a second is left out: it is there to be reached. */
function framed(socket: Socket): FrameSocket {
  const limits = { ...DEFAULT_NET_TUNING, linkBytesPerSecond: Number.MAX_SAFE_INTEGER };
  return new FrameSocket(socket, limits, () => performance.now());
}

async function both(client: Talker, server: Talker): Promise<{ client: End; server: End }> {
  const [a, b] = await Promise.all([talk(client), talk(server)]);
  return { client: sessionEnd(client.frames, a), server: sessionEnd(server.frames, b) };
}

async function talk({ frames, first, handle }: Talker): Promise<Session> {
  if (first !== undefined) frames.send(await first);
  for (;;) {
    const step = await handle(await frames.read());
    if (step.send !== undefined) frames.send(step.send);
    if (step.done !== undefined) return step.done.session;
  }
}

function sessionEnd(frames: FrameSocket, session: Session): End {
  const end: End = {
    send: (message) => frames.sendFrame(session.sealFrame(message)),
    onBytes: undefined,
    close: () => frames.close(new NetError('closed', 'the bench is done with it')),
  };
  frames.stream((frame) => {
    const message = session.open(frame);
    if (message !== undefined) end.onBytes?.(message.length);
  });
  return end;
}
