/** Carries secure's handshakes over a FrameSocket, on either side. */
import {
  Admission,
  MemberHandshake,
  SecureError,
  encodeRefusal,
  firstMessageKind,
  type HandshakeDone,
  type HandshakeStep,
  type Identity,
  type NodeId,
  type SecureErrorCode,
  type SwarmSecrets,
} from '../secure/index.ts';
import { prefixOf } from './address.ts';
import type { AdmissionLane } from './admission-lane.ts';
import { NetError, type NetErrorCode } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { JpakePool } from './jpake-pool.ts';

/** This node, as handshakes need it. */
export interface HandshakeSelf {
  readonly secrets: SwarmSecrets;
  readonly identity: Identity;
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  readonly pool: JpakePool;
}

export interface HandshakeResult extends HandshakeDone {
  readonly kind: 'member' | 'admission';
}

/**
 * The side that dialled: admission when this host has no epoch key yet, else as a member.
 * @throws NetError
 */
export async function initiate(
  frames: FrameSocket,
  self: HandshakeSelf,
  expect?: NodeId,
): Promise<HandshakeResult> {
  const { identity, secrets, bootId, random } = self;
  if (secrets.epochKey === undefined) return admit(frames, self, 'initiator');
  const role = 'initiator';
  return told(frames, async () => {
    const handshake = new MemberHandshake({
      ...{ role, identity, secrets, bootId, random },
      ...(expect && { expect }),
    });
    frames.send(handshake.start());
    const done = await run(frames, (message) => handshake.handle(message));
    return { ...done, kind: 'member' };
  });
}

export interface ResponderHooks {
  readonly lane: AdmissionLane;
  /** A whole first frame is there, whatever it holds. */
  onFirst(): void;
  /** The first message is one of ours; the connection is now in the middle of a handshake. */
  spoke(): void;
  /** Aborts when the connection ended. */
  readonly left: AbortSignal;
}

/**
 * The side that was dialled. A member's first message is answered at once, a stranger's waits for
 * the admission budget.
 * @throws NetError
 */
export async function respond(
  frames: FrameSocket,
  self: HandshakeSelf,
  hooks: ResponderHooks,
): Promise<HandshakeResult> {
  const first = await frames.read();
  hooks.onFirst();
  return told(frames, async () => {
    if (firstMessageKind(first) === 'admission') {
      await letIn(frames, self.secrets, hooks);
      return admit(frames, self, 'responder', first);
    }
    const { identity, secrets, bootId, random } = self;
    if (secrets.epochKey === undefined)
      throw refused('not_admitted', 'not admitted to a swarm yet');
    const role = 'responder';
    const handshake = new MemberHandshake({ role, identity, secrets, bootId, random });
    const step = handshake.handle(first);
    hooks.spoke();
    const done = await run(frames, (message) => handshake.handle(message), step);
    return { ...done, kind: 'member' };
  });
}

async function letIn(
  frames: FrameSocket,
  secrets: SwarmSecrets,
  hooks: ResponderHooks,
): Promise<void> {
  if (secrets.epochKey === undefined || secrets.joinKey.length === 0) {
    throw refused('not_admitted', 'this host has no join key, so it admits nobody');
  }
  hooks.spoke();
  try {
    await hooks.lane.enter(prefixOf(frames.remoteAddress), hooks.left);
  } catch (error) {
    if (error instanceof NetError && error.code === 'busy') throw refused('busy', error.message);
    throw error;
  }
}

function refused(code: SecureErrorCode, message: string): SecureError {
  return new SecureError(code, message, { reply: encodeRefusal(code) });
}

async function admit(
  frames: FrameSocket,
  self: HandshakeSelf,
  role: 'initiator' | 'responder',
  first?: Uint8Array,
): Promise<HandshakeResult> {
  const { identity, secrets, bootId, random, pool } = self;
  const drops: (() => void)[] = [];
  const admission = new Admission({
    ...{ role, identity, secrets, bootId, random },
    createPake: (options) => {
      const pake = pool.create(options);
      drops.push(() => pake.drop());
      return pake;
    },
  });
  try {
    return await told(frames, async () => {
      if (first === undefined) frames.send(await admission.start());
      const begun = first === undefined ? undefined : await admission.handle(first);
      const done = await run(frames, (message) => admission.handle(message), begun);
      return { ...done, kind: 'admission' };
    });
  } finally {
    for (const drop of drops) drop();
  }
}

async function run(
  frames: FrameSocket,
  handle: (message: Uint8Array) => HandshakeStep | Promise<HandshakeStep>,
  begun?: HandshakeStep,
): Promise<HandshakeDone> {
  for (let step = begun; ; step = await handle(await frames.read())) {
    if (step?.send !== undefined) frames.send(step.send);
    if (step?.done !== undefined) return step.done;
  }
}

/** Sends the last word that a SecureError carries, closes, and turns it into a NetError. */
async function told<T>(frames: FrameSocket, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = toNetError(error);
    if (error instanceof SecureError && error.reply !== undefined) frames.send(error.reply);
    void frames.end(reason);
    throw reason;
  }
}

/** Anything else than the two expected classes is a bug of ours; it still only ends one connection. */
function toNetError(error: unknown): NetError {
  if (error instanceof NetError) return error;
  if (!(error instanceof SecureError)) {
    const message = `handshake failed: ${(error as Error).message}`;
    return new NetError('handshake_failed', message, { cause: error });
  }
  const [code, hint] = SECURE_CODES[error.code] ?? ['handshake_failed', undefined];
  return new NetError(code, error.message, { cause: error, ...(hint && { hint }) });
}

const SECURE_CODES: { readonly [code in SecureErrorCode]?: readonly [NetErrorCode, string?] } = {
  malformed: ['not_swarmplane', 'check the port: something else may listen there'],
  unknown_version: [
    'not_swarmplane',
    'one of the two hosts runs a newer swarmplane: update the other',
  ],
  unknown_suite: [
    'not_swarmplane',
    'one of the two hosts runs a newer swarmplane: update the other',
  ],
  wrong_swarm: ['wrong_swarm', 'use the join token of the swarm that runs there'],
  bad_mac: ['wrong_swarm', 'the two hosts do not share an epoch key: join again with a new token'],
  wrong_epoch: ['wrong_epoch', 'the join token is of an older epoch: get a new one'],
  wrong_secret: ['wrong_secret', 'check the join token, word by word'],
  self: ['self', 'give the address of another host'],
  clone: ['clone', 'two hosts run on copies of one state folder: delete it on one and join anew'],
  wrong_peer: ['wrong_peer'],
  not_admitted: ['cannot_admit', 'join through another member'],
  busy: ['busy', 'try again in a few seconds'],
};
