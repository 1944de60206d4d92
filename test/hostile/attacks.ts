/**
 * What one member can send to cost others more than its own answers: each an endless stream of messages
 * as it would say them on its links. Used by the tests on real nodes and by `npm run bench -- hostile`.
 */
import { createCrypto, issueKeyStatement, OperatorKey } from '../../src/secure/index.ts';
import type { Identity } from '../../src/secure/index.ts';
import {
  attachSignature,
  decodeFields,
  decodeMessage,
  encodeFields,
  encodeMessage,
  fromHex,
  signingBytes,
  toHex,
} from '../../src/wire/index.ts';
import type { SignedBody } from '../../src/wire/index.ts';
import { random } from '../net/swarm-nodes.ts';

export interface Attacker {
  readonly identity: Identity;
  readonly swarmId: Uint8Array;
  readonly admission: Uint8Array;
  /** Ids of the hosts that it attacks. */
  readonly victims: readonly string[];
  /** A key of the operator that was revoked, and is in wrong hands. */
  readonly stolen: OperatorKey;
  /** The statements about it, as everybody has them. */
  readonly statements: readonly Uint8Array[];
}

export interface Attack {
  /**
   * The share that it fills, as the alarm's key ends; none where it makes work alone, of which one process
   * that is attacker and hosts at once cannot make too much (test/swarm/hostile-requests.test.ts does).
   */
  readonly book: string | undefined;
  readonly messages: (attacker: Attacker) => Generator<Uint8Array, never>;
}

const NO_BYTES = new Uint8Array(0);
const { x25519KeyPair, sha256 } = createCrypto(random(32));

function sign({ identity }: Attacker, body: SignedBody): Uint8Array {
  const signed = signingBytes(body);
  return attachSignature(signed, identity.sign(signed));
}

function request(attacker: Attacker, body: Uint8Array): Uint8Array {
  const now = Date.now();
  const signed = sign(attacker, {
    kind: 'request',
    version: 1,
    swarm: attacker.swarmId,
    epoch: 1,
    id: random(16),
    origin: fromHex(attacker.identity.nodeId),
    keyVersion: 0,
    replyKey: x25519KeyPair(random(32)).publicKey,
    issued: now,
    expires: now + 600_000,
    what: 'query',
    targets: [random(32)],
    certificate: NO_BYTES,
    expected: random(32),
    bodyHash: sha256(body),
  });
  return encodeMessage({ t: 'request', signed, body, hops: 0, ms: 600_000 });
}

function record(attacker: Attacker, incarnation: number): Uint8Array {
  return sign(attacker, {
    kind: 'member',
    swarm: attacker.swarmId,
    node: fromHex(attacker.identity.nodeId),
    entry: attacker.identity.newest.bytes,
    name: 'hostile',
    addresses: [],
    labels: {},
    version: '',
    hub: false,
    incarnation,
    bootId: random(16),
    state: 'alive',
    prekey: undefined,
    admission: attacker.admission,
  });
}

/** What it says of itself first, so that it has a name. */
export function introduction(attacker: Attacker): Uint8Array {
  return encodeMessage({ t: 'news', objects: [record(attacker, 1)] });
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  'withdraws requests that never were': {
    book: 'cancels',
    *messages(attacker) {
      const origin = fromHex(attacker.identity.nodeId);
      for (;;) {
        const signed = sign(attacker, {
          kind: 'cancel',
          swarm: attacker.swarmId,
          id: random(16),
          origin,
        });
        yield encodeMessage({ t: 'flood', signed, hops: 0 });
      }
    },
  },
  'asks without end': {
    book: 'rate',
    *messages(attacker) {
      for (;;) yield request(attacker, random(20));
    },
  },
  'asks with large bodies': {
    book: 'bodies',
    *messages(attacker) {
      const body = random(128 * 1024);
      for (;;) yield request(attacker, body);
    },
  },
  'asks for bodies that nobody has': {
    book: 'pulls',
    *messages(attacker) {
      for (;;) {
        const signed = decodedWithoutBody(request(attacker, random(20)));
        yield signed;
      }
    },
  },
  'renews its record without end': {
    book: 'records',
    *messages(attacker) {
      for (let incarnation = 2; ; incarnation++)
        yield encodeMessage({ t: 'news', objects: [record(attacker, incarnation)] });
    },
  },
  'shows digests without end': {
    book: undefined,
    *messages() {
      for (;;) yield encodeMessage({ t: 'digest', hash: random(32) });
    },
  },
  'asks for records without end': {
    book: undefined,
    *messages({ victims }) {
      for (;;) for (const node of victims) yield encodeMessage({ t: 'want', node: fromHex(node) });
    },
  },
  'shows statements about operator keys without end': {
    book: undefined,
    *messages({ stolen, statements, swarmId }) {
      const show = (bytes: Uint8Array) => encodeMessage({ t: 'record', bytes });
      const said = (by: OperatorKey, verb: 'add' | 'revoke', number: number) => {
        const content = { key: toHex(random(32)), made: 1, name: 'x', stay: [] };
        return issueKeyStatement(by, { ...content, verb, number }).bytes;
      };
      const stranger = OperatorKey.create(random, swarmId);
      for (let number = 0; ; number = (number + 1) % 1_000) {
        yield* statements.map(show);
        // By the first key: its body with another signature. By the stolen one, which has signed it. By none.
        const [body] = decodeFields(statements[0]!, 2);
        yield show(encodeFields([body!, random(64)]));
        for (const verb of ['add', 'revoke'] as const) yield show(said(stolen, verb, number));
        yield show(said(stranger, 'add', number));
      }
    },
  },
  'shows signatures that are none': {
    book: undefined,
    *messages(attacker) {
      const origin = fromHex(attacker.identity.nodeId);
      for (;;) {
        const body = { kind: 'cancel', swarm: attacker.swarmId, id: random(16), origin } as const;
        const signed = attachSignature(signingBytes(body), random(64));
        yield encodeMessage({ t: 'flood', signed, hops: 0 });
      }
    },
  },
};

/** The same REQ, to be fetched from who says it. */
function decodedWithoutBody(message: Uint8Array): Uint8Array {
  const decoded = decodeMessage(message);
  if (decoded?.t !== 'request') throw new Error('not a request');
  const { t, signed, hops, ms } = decoded;
  return encodeMessage({ t, signed, hops, ms });
}
