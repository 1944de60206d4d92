/** Carries secure's handshakes over a FrameSocket, on either side. */
import {
  Admission,
  MemberHandshake,
  SecureError,
  encodeRefusal,
  firstMessageKind,
  JoinCheck,
  type Gate,
  type HandshakeDone,
  type HandshakeStep,
  type Identity,
  type IsFresh,
  type KeyBook,
  type NodeId,
  type SecureErrorCode,
  type SwarmSecrets,
} from '../secure/index.ts';
import { sourceOf } from '../wire/index.ts';
import { CLONE_REMEDY } from '../swarm/index.ts';
import type { AdmissionLane } from './admission-lane.ts';
import { NetError, type NetErrorCode } from './errors.ts';
import type { FrameSocket } from './frame-socket.ts';
import type { JpakePool, PooledPake } from './jpake-pool.ts';

/** This node, as handshakes need it. */
export interface HandshakeSelf {
  readonly gate: Gate;
  /** A part of the present EPOCH. @throws SecureError `busy` when too many were asked for */
  readonly readPart: (number: number) => Uint8Array | undefined;
  readonly secrets: SwarmSecrets;
  readonly identity: Identity;
  readonly keyBook: KeyBook;
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  readonly pool: JpakePool;
  /** Unix milliseconds. */
  readonly wallMs: number;
  /** Whether a first message is of now (docs/protocol.md section 5). */
  readonly isFresh: IsFresh;
}

export interface HandshakeResult extends HandshakeDone {
  readonly kind: 'member' | 'admission';
}

/** The dialling side before it has dialled. */
export interface Initiator {
  readonly kind: 'member' | 'admission';
  /** The first message, made before the connection is: the responder waits a second for it. */
  readonly first: Uint8Array;
  handle(message: Uint8Array): HandshakeStep | Promise<HandshakeStep>;
  /** Lets go of what the handshake holds in the worker. */
  drop(): void;
}

/**
 * Admission when this host has a join token in hand, else a member's handshake; `under`: M1 under the key
 * of an earlier epoch, by its place in `secrets.previous`.
 * @throws NetError
 */
export async function prepareInitiator(
  self: HandshakeSelf,
  expect?: NodeId,
  under?: number,
): Promise<Initiator> {
  const { secrets, readPart, wallMs } = self;
  if (secrets.joining !== undefined || secrets.epochKey === undefined) {
    const { admission, drop } = createAdmission(self, 'initiator');
    const first = await admission.start();
    return { kind: 'admission', first, handle: (message) => admission.handle(message), drop };
  }
  const handshake = new MemberHandshake({
    role: 'initiator',
    ...shownBy(self),
    ...(expect && { expect }),
    ...(under !== undefined && { under }),
    readPart,
    wallMs,
  });
  const first = handshake.start();
  const handle = (message: Uint8Array): HandshakeStep => handshake.handle(message);
  return { kind: 'member', first, handle, drop: () => undefined };
}

/** Carries a prepared handshake out. @throws NetError */
export function initiate(frames: FrameSocket, initiator: Initiator): Promise<HandshakeResult> {
  return told(frames, async () => {
    // EPOCH in place of M2, and AUTH', carry statements about operator keys.
    frames.takeLargeFrames();
    frames.send(initiator.first);
    const done = await run(frames, (message) => initiator.handle(message));
    return { ...done, kind: initiator.kind };
  });
}

export interface ResponderHooks {
  readonly lane: AdmissionLane;
  /** A whole first frame is there, whatever it holds. */
  onFirst(): void;
  /** It was answered with a challenge. */
  challenged(): void;
  /** The peer has shown, now, a key that no stranger has. */
  proven(): void;
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
      return admit(frames, self, await letIn(frames, self, first, hooks));
    }
    const { secrets, readPart, isFresh } = self;
    if (secrets.epochKey === undefined)
      throw refused('not_admitted', 'not admitted to a swarm yet');
    const handshake = new MemberHandshake({
      role: 'responder',
      ...shownBy(self),
      readPart,
      isFresh,
    });
    const step = handshake.handle(first);
    const done = await run(frames, (message) => handshake.handle(message), step, hooks);
    return { ...done, kind: 'member' };
  });
}

/** JP1 once it has its turn. Who has no join key, or had it only once, gets no place in the queue. */
async function letIn(
  frames: FrameSocket,
  { secrets, gate, random, isFresh }: HandshakeSelf,
  first: Uint8Array,
  hooks: ResponderHooks,
): Promise<Uint8Array> {
  if (secrets.epochKey === undefined || secrets.head === undefined) {
    throw refused('not_admitted', 'this host was not admitted to a swarm itself yet');
  }
  const check = new JoinCheck({ swarmId: secrets.swarmId, gate }, random, isFresh);
  let jp1 = first;
  const challenge = check.judge(jp1);
  if (challenge !== undefined) {
    hooks.challenged();
    frames.send(challenge);
    jp1 = await frames.read();
    check.judge(jp1);
  }
  hooks.proven();
  try {
    await hooks.lane.enter(sourceOf(frames.remoteAddress), hooks.left);
  } catch (error) {
    if (error instanceof NetError && error.code === 'busy') throw refused('busy', error.message);
    throw error;
  }
  return jp1;
}

/** What every handshake of this host begins with. Key lists are judged by the core, once it is up. */
function shownBy({ identity, secrets, bootId, random, keyBook }: HandshakeSelf) {
  return { identity, secrets, bootId, random, keyBook, judgesKeysLater: true } as const;
}

function refused(code: SecureErrorCode, message: string): SecureError {
  return new SecureError(code, message, { reply: encodeRefusal(code) });
}

async function admit(
  frames: FrameSocket,
  self: HandshakeSelf,
  first: Uint8Array,
): Promise<HandshakeResult> {
  const { admission, drop } = createAdmission(self, 'responder');
  try {
    const begun = await admission.handle(first);
    const done = await run(frames, (message) => admission.handle(message), begun);
    return { ...done, kind: 'admission' };
  } finally {
    drop();
  }
}

function createAdmission(
  self: HandshakeSelf,
  role: 'initiator' | 'responder',
): { admission: Admission; drop: () => void } {
  const { pool, gate, wallMs } = self;
  let pake: PooledPake | undefined;
  const admission = new Admission({
    role,
    ...shownBy(self),
    gate,
    wallMs,
    createPake: (options) => (pake = pool.create(options)),
  });
  return { admission, drop: () => pake?.drop() };
}

async function run(
  frames: FrameSocket,
  handle: (message: Uint8Array) => HandshakeStep | Promise<HandshakeStep>,
  begun?: HandshakeStep,
  hooks?: ResponderHooks,
): Promise<HandshakeDone> {
  for (let step = begun; ; step = await handle(await frames.read())) {
    if (step?.challenged === true) hooks?.challenged();
    if (step?.proven === true) hooks?.proven();
    if (step?.expectsPart === true) frames.takeLargeFrames();
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
    const word = error instanceof SecureError ? lastWord(error) : undefined;
    if (word !== undefined) frames.send(word);
    void frames.end(reason);
    throw reason;
  }
}

/** A person at the other end should learn why; bytes that are not ours at all get no answer. */
function lastWord(error: SecureError): Uint8Array | undefined {
  return error.reply;
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
  wrong_epoch: [
    'wrong_epoch',
    'the two hosts share no epoch key: one of them was away for long or is of another swarm; if it stays so, join it again with `swarmplane up --join HOST:PORT` and a new token',
  ],
  bad_admission: ['wrong_secret', 'get a new join token with `swarmplane token new`'],
  unknown_token: [
    'unknown_token',
    'check the token; if it was made a moment ago that member has not heard of it: try again',
  ],
  token_ended: [
    'token_ended',
    'make another with `swarmplane token new` where the operator key is',
  ],
  token_used_up: [
    'token_used_up',
    'make another with `swarmplane token new` where the operator key is',
  ],
  wrong_clock: ['wrong_clock', 'set the clock of that member, or join through another one'],
  expelled: ['expelled', 'an expelled host can come back with a new state folder only'],
  swarm_full: ['swarm_full', 'put out hosts that are gone with `swarmplane secret rotate --expel`'],
  wrong_secret: ['wrong_secret', 'check the join token, word by word'],
  self: ['self', 'give the address of another host'],
  clone: ['clone', `two hosts run on copies of one state folder: ${CLONE_REMEDY}`],
  wrong_peer: ['wrong_peer'],
  not_admitted: ['cannot_admit', 'join through another member'],
  busy: ['busy', 'try again in a few seconds'],
};
