/** Seeded randomness, identities and whole handshakes for the tests of secure. */
import { createHash } from 'node:crypto';
import * as secure from '../../src/secure/index.ts';
import type { HandshakeDone, HandshakeStep, SwarmSecrets } from '../../src/secure/index.ts';

/** The same bytes for the same seed, in any order of use by one holder. */
export function seededRandom(seed: string): (n: number) => Uint8Array {
  let count = 0;
  return (n) => {
    const blocks: Buffer[] = [];
    for (let at = 0; at < n; at += 32) {
      blocks.push(createHash('sha256').update(`${seed} ${count++}`).digest());
    }
    return new Uint8Array(Buffer.concat(blocks).subarray(0, n));
  };
}

export const T0 = 1_700_000_000;

export const operator = secure.OperatorKey.create(seededRandom('operator'));

export const secrets: SwarmSecrets = {
  swarmId: operator.swarmId,
  operatorKey: operator.publicKey,
  epoch: 3,
  epochKey: seededRandom('epoch key')(32),
  joinKey: seededRandom('join key')(32),
};

export interface Party {
  readonly identity: secure.Identity;
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
}

export function party(name: string): Party {
  const identity = secure.Identity.create(seededRandom(`identity ${name}`), T0);
  return { identity, bootId: seededRandom(`boot ${name}`)(16), random: seededRandom(name) };
}

export interface Talker {
  handle(message: Uint8Array): HandshakeStep | Promise<HandshakeStep>;
}

/** Carries messages to and fro until both are done; `tamper` sees each with its number from 0. */
export async function converse(
  first: Uint8Array,
  initiator: Talker,
  responder: Talker,
  tamper: (message: Uint8Array, index: number) => Uint8Array = (message) => message,
): Promise<{ initiator: HandshakeDone; responder: HandshakeDone; messages: Uint8Array[] }> {
  const messages: Uint8Array[] = [];
  const done = new Map<Talker, HandshakeDone>();
  let message: Uint8Array | undefined = first;
  for (let index = 0; message !== undefined; index++) {
    messages.push(message);
    const talker: Talker = index % 2 === 0 ? responder : initiator;
    const step: HandshakeStep = await talker.handle(tamper(message, index));
    if (step.done !== undefined) done.set(talker, step.done);
    message = step.send;
  }
  return { initiator: done.get(initiator)!, responder: done.get(responder)!, messages };
}

/** What `sessionPair` starts from. */
export const MASTER = seededRandom('master')(32);

/** Two ends of one open session. */
export function sessionPair(
  box: secure.Secretbox = secure.secretbox(),
  rekeyAfter?: secure.RekeyLimits,
): {
  a: secure.Session;
  b: secure.Session;
} {
  const end = (role: secure.HandshakeRole) =>
    new secure.Session({
      role,
      master: MASTER,
      random: seededRandom(role),
      box,
      ...(rekeyAfter && { rekeyAfter }),
    });
  return { a: end('initiator'), b: end('responder') };
}

/** The code of the SecureError that `work` throws; anything else fails the test. */
export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof secure.SecureError) return error.code;
    throw error;
  }
  return 'no error';
}

export function flip(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  copy[bit >> 3] = copy[bit >> 3]! ^ (1 << (bit & 7));
  return copy;
}
