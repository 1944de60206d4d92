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

const epochKey = seededRandom('epoch key')(32);
/** Epoch 3, whose roll is one host. */
export const epoch = secure.createEpoch(operator, {
  epoch: 3,
  parent: undefined,
  epochKey,
  nowSeconds: T0,
  random: seededRandom('epoch'),
  members: [{ entry: party('founder').identity.newest, nameTag: new Uint8Array(8) }],
});

export const secrets: SwarmSecrets = {
  swarmId: operator.swarmId,
  operatorKey: operator.publicKey,
  epoch: 3,
  epochKey,
  epochId: epoch.head.id,
  head: epoch.head.bytes,
};

/** The one token of that epoch. */
export const tokenKeys = keysOf('token');
export const token = secure.issueToken(operator, {
  epochId: epoch.head.id,
  version: 1,
  uses: 10,
  made: T0,
  notAfter: T0 + 3600,
  publicKey: tokenKeys.publicKey,
  joinKey: tokenKeys.joinKey,
  note: 'rack 7',
  host: '',
  state: 'open',
});

/** What scrypt would give, without its cost. */
export function keysOf(name: string): secure.TokenKeys {
  const seed = seededRandom(`seed ${name}`)(32);
  const { publicKey } = new secure.SigningKey(seed);
  const tag = secure.tokenTag(operator.swarmId, publicKey);
  return { joinKey: seededRandom(`join key ${name}`)(32), seed, publicKey, tag };
}

/** A gate that knows tokens and has a seat for everybody. */
export function gateOf(...tokens: readonly secure.TokenRecord[]): secure.Gate {
  return {
    token: (tag) => {
      const known = tokens.find((one) => one.tag === Buffer.from(tag).toString('hex'));
      if (known !== undefined) return known;
      throw new secure.SecureError('unknown_token', 'no such token');
    },
    seat: () => undefined,
  };
}

export interface Party {
  readonly identity: secure.Identity;
  readonly bootId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
  /** Takes every M1 as one of now; without it each is challenged. */
  readonly isFresh: secure.IsFresh;
}

export function party(name: string): Party {
  const identity = secure.Identity.create(seededRandom(`identity ${name}`), T0);
  const bootId = seededRandom(`boot ${name}`)(16);
  return { identity, bootId, random: seededRandom(name), isFresh: () => true };
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
