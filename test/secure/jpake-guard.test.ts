/**
 * Each attack of docs/protocol.md section 3, first against the raw package, where it succeeds, then
 * against the guard, where it is refused.
 */
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { JpakeGuard, type PakeOptions } from '../../src/secure/index.ts';
import { concat, fromHex, toHex, utf8 } from '../../src/wire/index.ts';
import { codeOf, flip, seededRandom } from './fixture.ts';

interface Point {
  x: bigint;
  y: bigint;
  add(other: Point): Point;
  multiply(k: bigint): Point;
  negate(): Point;
  equals(other: Point): boolean;
}
type Raw = Record<'GetRound2Message' | 'ComputeSharedKey', (json: string) => string> & {
  G: Point;
  GetRound1Message(): string;
};
const { JPake, base64 } = createRequire(import.meta.url)('jpake') as {
  JPake: new (secret: string) => Raw;
  base64: { fromInt(n: bigint): string; toInt(text: string): bigint };
};

const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const P = 2n ** 256n - 2n ** 32n - 977n;
const G = new JPake('any').G;
const point = (x: bigint, y: bigint) =>
  new (G.constructor as new (x: bigint, y: bigint) => Point)(x, y);
const b64 = (n: bigint) => base64.fromInt(n);
const mod = (n: bigint, m: bigint = N) => ((n % m) + m) % m;
const sha = (text: string) => createHash('sha256').update(text).digest('hex');
const EVE = seededRandom('eve');
const scalar = () => mod(BigInt(`0x${toHex(EVE(32))}`));

interface Proof {
  t: Point;
  r: bigint;
  c: bigint;
}

/** A proof for a point whose logarithm nobody knows: choose c and r, then t = rG + cY. */
function forge(generator: Point, y: Point): Proof {
  const [r, c] = [scalar(), scalar()];
  return { t: generator.multiply(r).add(y.multiply(c)), r, c };
}

/** An honest proof, as the package makes it; `challenge` turns its text into c. */
function prove(generator: Point, x: bigint, challenge: (text: string) => string): Proof {
  const v = scalar();
  const t = generator.multiply(v);
  const y = generator.multiply(x);
  const c = BigInt(`0x${challenge([generator, t, y].map((p) => b64(p.x) + b64(p.y)).join(''))}`);
  return { t, r: mod(v - c * x), c };
}

const rawProof = ({ t, r, c }: Proof) => ({ tx: b64(t.x), ty: b64(t.y), r: b64(r), c: b64(c) });

function rawRound1(a: Point, b: Point, pa: Proof, pb: Proof): string {
  const points = { x1Gx: b64(a.x), x1Gy: b64(a.y), x2Gx: b64(b.x), x2Gy: b64(b.y) };
  return JSON.stringify({ ...points, x1ZKP: rawProof(pa), x2ZKP: rawProof(pb) });
}

function rawRound2(a: Point, proof: Proof): string {
  return JSON.stringify({ Ax: b64(a.x), Ay: b64(a.y), xsZKP: rawProof(proof) });
}

function readRawRound1(json: string): [Point, Point] {
  const m = JSON.parse(json) as Record<string, string>;
  const n = (name: string) => base64.toInt(m[name]!);
  return [point(n('x1Gx'), n('x1Gy')), point(n('x2Gx'), n('x2Gy'))];
}

function readRawA(json: string): Point {
  const m = JSON.parse(json) as Record<string, string>;
  return point(base64.toInt(m['Ax']!), base64.toInt(m['Ay']!));
}

const bytes32 = (n: bigint) => fromHex(n.toString(16).padStart(64, '0'));
const pointBytes = (p: Point) => concat(bytes32(p.x), bytes32(p.y));
const proofBytes = (proof: Proof) => concat(pointBytes(proof.t), bytes32(proof.r));

const swarmId = seededRandom('swarm')(32);
const TAG = seededRandom('tag')(8);
const ALICE = seededRandom('alice')(32);
const BOB = seededRandom('bob')(32);

function options(role: 'initiator' | 'responder', secret = 'the secret'): PakeOptions {
  const joinKey = fromHex(sha(secret));
  return { role, joinKey, swarmId, tag: TAG, selfId: role === 'initiator' ? ALICE : BOB };
}
const alice = (secret?: string) => new JpakeGuard(options('initiator', secret));
const bob = (secret?: string) => new JpakeGuard(options('responder', secret));

/** Round 1 as a hostile responder sends it to a guarded initiator. */
function guardRound1(a: Point, b: Point, pa: Proof, pb: Proof, id = BOB, role = 2): Uint8Array {
  const head = concat(Uint8Array.of(role), id, pointBytes(a), pointBytes(b));
  return concat(head, proofBytes(pa), proofBytes(pb));
}

/** The challenge function the guard uses in round 1 for Bob; what an attacker can compute, too. */
function guardChallenge(text: string): string {
  const field = (bytes: Uint8Array) =>
    concat(Uint8Array.of(0, 0, bytes.length >> 8, bytes.length & 255), bytes);
  const epoch = fromHex('0000000000000001');
  const parts = [utf8('swarmplane/1 jpake round 1'), swarmId, epoch, BOB, Uint8Array.of(2)];
  const context = concat(...parts.map(field));
  return createHash('sha256')
    .update(field(context))
    .update(field(utf8(text)))
    .digest('hex');
}

async function afterRound1(guard: JpakeGuard): Promise<[Point, Point]> {
  const message = await guard.round1();
  const n = (at: number) => BigInt(`0x${toHex(message.subarray(at, at + 32))}`);
  return [point(n(33), n(65)), point(n(97), n(129))];
}

describe('an honest exchange', () => {
  test('ends with one key on both sides, of the documented sizes', async () => {
    const [a, b] = [alice(), bob()];
    const a1 = await a.round1();
    const b1 = await b.round1(a1);
    const a2 = await a.round2(b1);
    const b2 = await b.round2(a1);
    expect([a1.length, b1.length, a2.length, b2.length]).toEqual([353, 353, 160, 160]);
    const tagA = await a.finish(b2);
    const tagB = await b.finish(a2);
    const [keyA, keyB] = [await a.confirm(tagB), await b.confirm(tagA)];
    expect(toHex(keyA)).toBe(toHex(keyB));
    expect(keyA.length).toBe(32);
  });
});

describe('forged proofs (the challenge is taken from the message)', () => {
  test('raw: an attacker without the secret gets the session key', () => {
    const victim = new JPake('the secret');
    const [g1, g2] = readRawRound1(victim.GetRound1Message());
    // G3 cancels G1, so the victim's A = (j + x4) * x2 * s * G lets B cancel x4 * x2 * s * G.
    const [j, x4, k] = [scalar(), scalar(), scalar()];
    const g3 = g1.negate().add(G.multiply(j));
    const g4 = G.multiply(x4);
    const reply = victim.GetRound2Message(rawRound1(g3, g4, forge(G, g3), forge(G, g4)));
    const share = mod(x4 * power(j + x4, N - 2n, N));
    const b = readRawA(reply).multiply(share).add(G.multiply(k));
    const generator = g1.add(g2).add(g3);
    const key = victim.ComputeSharedKey(rawRound2(b, forge(generator, b)));
    expect(key).toBe(sha(b64(g2.multiply(k).x)));
  });

  test('raw: one interaction lets an attacker test a word list offline', () => {
    const words = ['apple', 'the secret', 'pear'];
    const victim = new JPake('the secret');
    const [g1, g2] = readRawRound1(victim.GetRound1Message());
    const [j, x4] = [scalar(), scalar()];
    const g4 = G.multiply(x4);
    const g3 = g1.negate().add(G.multiply(j));
    const a = readRawA(victim.GetRound2Message(rawRound1(g3, g4, forge(G, g3), forge(G, g4))));
    const fits = (word: string) => g2.multiply(mod((j + x4) * BigInt(`0x${sha(word)}`))).equals(a);
    expect(words.filter(fits)).toEqual(['the secret']);
  });

  test('guard: the same messages are refused before anything secret is used', async () => {
    const guard = alice();
    const [g1] = await afterRound1(guard);
    const g3 = g1.negate().add(G.multiply(7n));
    const g4 = G.multiply(scalar());
    const message = guardRound1(g3, g4, forge(G, g3), prove(G, 5n, guardChallenge));
    expect(await codeOf(() => guard.round2(message))).toBe('bad_proof');
  });

  test('guard: a forged round 2 is refused', async () => {
    const [a, b] = [alice(), bob()];
    const a1 = await a.round1();
    await a.round2(await b.round1(a1));
    const [g1, g2, g3] = [...Array(3).keys()].map((i) => G.multiply(BigInt(i + 2)));
    const forged = G.multiply(scalar());
    const generator = g1!.add(g2!).add(g3!);
    const message = concat(pointBytes(forged), proofBytes(forge(generator, forged)));
    expect(await codeOf(() => a.finish(message))).toBe('bad_proof');
  });
});

describe('points that are none (the package checks nothing)', () => {
  const zero = point(0n, 1n);

  test('raw: X4 = B = (0,1) makes the key a constant that needs no secret, even with honest c', () => {
    const keys = ['one secret', 'another secret'].map((secret) => {
      const victim = new JPake(secret);
      const [g1, g2] = readRawRound1(victim.GetRound1Message());
      const g3 = G.multiply(scalar());
      const honest = (generator: Point): Proof => {
        const v = scalar();
        const t = generator.multiply(v);
        const text = [generator, t, zero].map((p) => b64(p.x) + b64(p.y)).join('');
        return { t, r: v, c: BigInt(`0x${sha(text)}`) };
      };
      victim.GetRound2Message(rawRound1(g3, zero, forge(G, g3), honest(G)));
      return victim.ComputeSharedKey(rawRound2(zero, honest(g1.add(g2).add(g3))));
    });
    expect(keys[0]).toBe(keys[1]);
  });

  /** A point off the curve, on another one with the same formulas: y^2 = x^3 + b. */
  const offCurve = point(G.x, mod(G.y + 1n, P));

  /** 3 * p = identity on the curve it lies on: x^3 = -4b, so y^2 = -3b = (3/4) x^3. */
  function orderThree(): Point {
    for (let x = 1n; ; x++) {
      const square = mod(3n * power(4n, P - 2n, P) * x ** 3n, P);
      const y = power(square, (P + 1n) / 4n, P);
      if (mod(y * y, P) === square) return point(x, y);
    }
  }

  test.each([
    ['off the curve', () => offCurve],
    ['of order 3', orderThree],
  ])('raw: a point %s passes', (_name, make) => {
    const bad = make();
    const victim = new JPake('the secret');
    victim.GetRound1Message();
    const g3 = G.multiply(scalar());
    expect(victim.GetRound2Message(rawRound1(g3, bad, forge(G, g3), forge(G, bad)))).toContain(
      'Ax',
    );
  });

  test('the point of order 3 is one: doubled, it is its own negation', () => {
    const p = orderThree();
    expect(p.add(p).equals(p.negate())).toBe(true);
  });

  const badPoints: [string, () => Point][] = [
    ['(0,1)', () => zero],
    ['(0,0)', () => point(0n, 0n)],
    ['off the curve', () => offCurve],
    ['of order 3', orderThree],
    ['with x above p', () => point(G.x + P < 2n ** 256n ? G.x + P : P + 1n, G.y)],
  ];

  test.each(badPoints)('guard: a point %s is refused in round 1', async (_name, make) => {
    for (const place of [0, 1]) {
      const guard = alice();
      await guard.round1();
      const good = G.multiply(5n);
      const proof = prove(G, 5n, guardChallenge);
      const points = place === 0 ? ([make(), good] as const) : ([good, make()] as const);
      expect(await codeOf(() => guard.round2(guardRound1(...points, proof, proof)))).toBe(
        'bad_key',
      );
    }
  });

  test.each(badPoints)(
    'guard: a point %s is refused in round 2 and in a proof',
    async (_n, make) => {
      const proof = prove(G, 5n, guardChallenge);
      const bodies = [
        concat(pointBytes(make()), proofBytes(proof)),
        concat(pointBytes(G.multiply(9n)), proofBytes({ ...proof, t: make() })),
      ];
      for (const body of bodies) {
        const [a, b] = [alice(), bob()];
        const a1 = await a.round1();
        await a.round2(await b.round1(a1));
        expect(await codeOf(() => a.finish(body))).toBe('bad_key');
      }
    },
  );

  test('guard: exponents of 0 and above n are refused', async () => {
    for (const r of [0n, N, 2n ** 256n - 1n]) {
      const guard = alice();
      await guard.round1();
      const proof = prove(G, 5n, guardChallenge);
      const message = guardRound1(G.multiply(5n), G.multiply(6n), { ...proof, r }, proof);
      expect(await codeOf(() => guard.round2(message))).toBe('bad_proof');
    }
  });
});

describe('handshakes with oneself (no signer in the proof)', () => {
  test('raw: a host whose own messages come back completes', () => {
    const victim = new JPake('the secret');
    const round2 = victim.GetRound2Message(victim.GetRound1Message());
    expect(victim.ComputeSharedKey(round2)).toMatch(/^[0-9a-f]{64}$/);
  });

  test('guard: reflected as it is, with the role turned, and with another id', async () => {
    const variants: [string, (own: Uint8Array) => Uint8Array][] = [
      ['malformed', (own) => own],
      ['self', (own) => concat(Uint8Array.of(2), own.subarray(1))],
      ['bad_proof', (own) => concat(Uint8Array.of(2), BOB, own.subarray(33))],
    ];
    for (const [code, reflect] of variants) {
      const guard = alice();
      const own = await guard.round1();
      expect(await codeOf(() => guard.round2(reflect(own)))).toBe(code);
    }
  });

  test('guard: own, repeated and negated points are refused even with good proofs', async () => {
    const five = () => prove(G, 5n, guardChallenge);
    const negated = () => prove(G, N - 5n, guardChallenge);
    const cases: [Point, Proof][] = [
      [G.multiply(5n), five()],
      [G.multiply(5n).negate(), negated()],
    ];
    for (const [second, proof] of cases) {
      const guard = alice();
      await guard.round1();
      const message = guardRound1(G.multiply(5n), second, five(), proof);
      expect(await codeOf(() => guard.round2(message))).toBe('bad_key');
    }
    const [a, b] = [alice(), bob()];
    const a1 = await a.round1();
    const a2 = await a.round2(await b.round1(a1));
    expect(await codeOf(() => a.finish(a2))).toBe('bad_key');
  });

  test('guard: messages between a third pair are of no use (proofs name their signer)', async () => {
    const a = alice();
    const a1 = await a.round1();
    const b1 = await bob().round1(a1);
    const mallory = seededRandom('mallory')(32);
    const taken = concat(b1.subarray(0, 1), mallory, b1.subarray(33));
    expect(await codeOf(() => a.round2(taken))).toBe('bad_proof');
  });

  test('guard: proofs made for another swarm or token are refused', async () => {
    const a = alice();
    const a1 = await a.round1();
    for (const change of [{ swarmId: seededRandom('other')(32) }, { tag: seededRandom('t')(8) }]) {
      const other = new JpakeGuard({ ...options('responder'), ...change });
      expect(await codeOf(() => other.round1(a1))).toBe('bad_proof');
    }
  });
});

describe('key confirmation', () => {
  test('raw: different secrets end without a word, with different keys', () => {
    const [a, b] = [new JPake('one'), new JPake('two')];
    const [a1, b1] = [a.GetRound1Message(), b.GetRound1Message()];
    const [a2, b2] = [a.GetRound2Message(b1), b.GetRound2Message(a1)];
    expect(a.ComputeSharedKey(b2)).not.toBe(b.ComputeSharedKey(a2));
  });

  test('guard: different secrets are told apart, and neither side gets a key', async () => {
    const [a, b] = [alice('one'), bob('two')];
    const a1 = await a.round1();
    const b1 = await b.round1(a1);
    const a2 = await a.round2(b1);
    const b2 = await b.round2(a1);
    const [tagA, tagB] = [await a.finish(b2), await b.finish(a2)];
    expect(await codeOf(() => a.confirm(tagB))).toBe('wrong_secret');
    expect(await codeOf(() => b.confirm(tagA))).toBe('wrong_secret');
    expect(await codeOf(() => a.confirm(tagB))).toBe('closed');
  });

  test('guard: the own tag sent back confirms nothing', async () => {
    const [a, b] = [alice(), bob()];
    const a1 = await a.round1();
    await a.round2(await b.round1(a1));
    const tag = await a.finish(await b.round2(a1));
    expect(await codeOf(() => a.confirm(tag))).toBe('wrong_secret');
  });
});

describe('one use', () => {
  test('raw: after a failure the same object goes on', () => {
    const [victim, peer] = [new JPake('s'), new JPake('s')];
    victim.GetRound1Message();
    const good = peer.GetRound1Message();
    const bad = JSON.stringify({ ...JSON.parse(good), x1ZKP: rawProof(forge(G, G)) });
    expect(() => victim.GetRound2Message(bad)).toThrow('Not verified');
    expect(victim.GetRound2Message(good)).toContain('Ax');
  });

  test('guard: after a failure everything is over', async () => {
    const [a, b] = [alice(), bob()];
    const a1 = await a.round1();
    const b1 = await b.round1(a1);
    expect(await codeOf(() => a.round2(flip(b1, 8 * 200)))).toMatch(/^bad_/);
    expect(await codeOf(() => a.round2(b1))).toBe('closed');
  });

  test('guard: no step twice, none out of turn', async () => {
    const a = alice();
    await a.round1();
    expect(await codeOf(() => a.round1())).toBe('closed');
    expect(await codeOf(() => alice().finish(new Uint8Array(160)))).toBe('closed');
    expect(await codeOf(() => alice().confirm(new Uint8Array(32)))).toBe('closed');
    const b = bob();
    const a1 = await alice().round1();
    await b.round1(a1);
    expect(await codeOf(async () => b.round2(await alice().round1()))).toBe('malformed');
  });

  test('guard: each round cut short or grown by a byte is refused', async () => {
    const a1 = await alice().round1();
    for (const bytes of [a1.subarray(0, 352), concat(a1, Uint8Array.of(0)), new Uint8Array(0)]) {
      expect(await codeOf(() => bob().round1(bytes))).toBe('malformed');
    }
  });

  test('guard: a flipped bit anywhere in round 1 is refused', async () => {
    const a1 = await alice().round1();
    for (let bit = 3; bit < a1.length * 8; bit += 97) {
      expect(await codeOf(() => bob().round1(flip(a1, bit)))).toMatch(
        /^(malformed|bad_key|bad_proof)$/,
      );
    }
  });
});

function power(base: bigint, exponent: bigint, m: bigint): bigint {
  let result = 1n;
  for (let b = base % m, e = exponent; e > 0n; e >>= 1n, b = (b * b) % m) {
    if (e & 1n) result = (result * b) % m;
  }
  return result;
}
