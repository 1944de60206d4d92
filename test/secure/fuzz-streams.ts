/** Fuzz targets of whole streams: what happens between frames, not inside one. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as secure from '../../src/secure/index.ts';
import { FRAME_MAX_AFTER_AUTH, FrameDecoder, WireError } from '../../src/wire/index.ts';
import { concat, encodeFrame, toHex } from '../../src/wire/index.ts';
import { party, secrets, seededRandom, sessionPair } from './fixture.ts';

const alice = party('alice');
const bob = party('bob');
const FRAMES = 6;

const spoil = fc.record({
  kind: fc.constantFrom('drop', 'repeat', 'swap', 'foreign', 'long', 'flip', 'none'),
  at: fc.nat(FRAMES - 1),
  other: fc.nat(FRAMES - 1),
  bit: fc.nat(7),
});
type Spoil = typeof spoil extends fc.Arbitrary<infer T> ? T : never;

/** Frames of a session under other keys: a stranger's bytes in the middle of a stream. */
const foreign = encodeFrame(seededRandom('foreign')(60));
const tooLong = Uint8Array.of(0, 4, 0, 1);

function spoilt(frames: readonly Uint8Array[], { kind, at, other, bit }: Spoil): Uint8Array[] {
  const changed = [...frames];
  const frame = changed[at % changed.length]!;
  const where = at % changed.length;
  if (kind === 'drop') changed.splice(where, 1);
  if (kind === 'repeat') changed.splice(other % (changed.length + 1), 0, frame);
  if (kind === 'swap') {
    changed[where] = changed[other % changed.length]!;
    changed[other % frames.length] = frame;
  }
  if (kind === 'foreign') changed.splice(where, 0, foreign);
  if (kind === 'long') changed.splice(where, 0, tooLong);
  if (kind === 'flip') {
    const copy = new Uint8Array(frame);
    copy[other % copy.length] = copy[other % copy.length]! ^ (1 << bit);
    changed[where] = copy;
  }
  return changed;
}

/** Whatever is done to the stream, what is read of it is its beginning, and nothing else breaks. */
export const spoiltStream = fc.property(
  fc.array(spoil, { minLength: 1, maxLength: 3 }),
  fc.integer({ min: 1, max: 200 }),
  fc.nat(400),
  (spoils, chunk, cut) => {
    const { a, b } = sessionPair();
    const plains = Array.from({ length: FRAMES }, (_, i) => new Uint8Array(i * 5).fill(i));
    const frames = plains.map((plain) => encodeFrame(a.seal(plain)));
    const changed = spoils.reduce<Uint8Array[]>(
      (all, one) => (all.length === 0 ? all : spoilt(all, one)),
      frames,
    );
    const whole = concat(...changed);
    const stream = whole.subarray(0, Math.max(0, whole.length - Math.max(0, cut - 200)));
    const read = readStream(b, stream, chunk);
    assert.deepEqual(read.map(toHex), plains.slice(0, read.length).map(toHex));
    if (toHex(stream) !== toHex(concat(...frames))) return;
    assert.equal(read.length, FRAMES);
    assert.equal(b.closed, false);
  },
);

/** As FrameSocket and Link do it: any error ends the stream. */
function readStream(session: secure.Session, stream: Uint8Array, chunk: number): Uint8Array[] {
  const decoder = new FrameDecoder(FRAME_MAX_AFTER_AUTH);
  const read: Uint8Array[] = [];
  try {
    for (let at = 0; at < stream.length; at += chunk) {
      for (const frame of decoder.push(stream.subarray(at, at + chunk))) {
        const message = session.open(frame);
        if (message !== undefined) read.push(message);
      }
    }
  } catch (error) {
    assert.ok(error instanceof secure.SecureError || error instanceof WireError, `${error}`);
    if (error instanceof secure.SecureError) assert.throws(() => session.open(stream));
  }
  return read;
}

/** Every message of two whole handshakes between the same two members. */
const recorded = ['one', 'two'].flatMap((seed) => {
  const { a, b } = ends(seed);
  const m1 = a.start();
  const m2 = b.handle(m1).send!;
  return [m1, m2, a.handle(m2).send!];
});
let cases = 0;

function ends(seed: string): { a: secure.MemberHandshake; b: secure.MemberHandshake } {
  const make = (role: secure.HandshakeRole, who: typeof alice): secure.MemberHandshake =>
    new secure.MemberHandshake({ ...who, secrets, random: seededRandom(role + seed), role });
  return { a: make('initiator', alice), b: make('responder', bob) };
}

/** Replayed, reordered and interleaved before authentication. */
export const foreignHandshake = fc.property(
  fc.boolean(),
  fc.array(fc.nat(recorded.length - 1), { minLength: 1, maxLength: 4 }),
  (initiator, order) => {
    const { a, b } = ends(`fresh ${cases++}`);
    if (initiator) a.start();
    for (const index of order) {
      try {
        const step = (initiator ? a : b).handle(recorded[index]!);
        assert.equal(step.done, undefined);
      } catch (error) {
        assert.ok(error instanceof secure.SecureError, `${error}`);
      }
    }
  },
);
