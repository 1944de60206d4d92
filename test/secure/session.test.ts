import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  expandLabel,
  REKEY_AFTER,
  secretbox,
  SESSION_MESSAGE_MAX,
  type Session,
} from '../../src/secure/index.ts';
import { concat, encodeFrame, fromUtf8, toHex, utf8 } from '../../src/wire/index.ts';
import { codeOf, flip, MASTER, sessionPair } from './fixture.ts';

/** Opens frames; text of messages, `-` for control frames. */
function texts(session: Session, frames: readonly Uint8Array[]): string[] {
  return frames.map((frame) => {
    const plain = session.open(frame);
    return plain === undefined ? '-' : fromUtf8(plain);
  });
}

function drain(session: Session): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (let f = session.pollSend(); f !== undefined; f = session.pollSend()) frames.push(f);
  return frames;
}

describe.each(['tweetnacl', 'sodium-native'] as const)('a session on %s', (name) => {
  const pair = () => sessionPair(secretbox(name));

  test('carries messages of any length both ways, 17 bytes longer', () => {
    const { a, b } = pair();
    for (const length of [0, 1, 64, 65_536, SESSION_MESSAGE_MAX]) {
      const message = new Uint8Array(length).fill(7);
      const frame = a.seal(message);
      expect(frame.length).toBe(length + 17);
      expect(Buffer.compare(b.open(frame)!, message)).toBe(0);
      expect(Buffer.compare(a.open(b.seal(message))!, message)).toBe(0);
    }
    expect(() => a.seal(new Uint8Array(SESSION_MESSAGE_MAX + 1))).toThrow(/at most/);
  });

  test('a frame with its header is the header and the same frame', () => {
    const message = utf8('hello');
    const frame = pair().a.sealFrame(message);
    expect(toHex(frame)).toBe(toHex(encodeFrame(pair().a.seal(message))));
    expect(fromUtf8(pair().b.open(frame.subarray(4))!)).toBe('hello');
  });

  test.each<[string, (frames: Uint8Array[]) => Uint8Array[]]>([
    ['replayed', ([x]) => [x!, x!]],
    ['reordered', ([x, y]) => [y!, x!]],
    ['skipped', ([x, , z]) => [x!, z!]],
    ['cut short', ([x]) => [x!.subarray(0, -1)]],
    ['grown', ([x]) => [concat(x!, Uint8Array.of(0))]],
    ['emptied', () => [new Uint8Array(0)]],
    ['too short for a box', () => [new Uint8Array(15)]],
    ['of all zeros', () => [new Uint8Array(40)]],
  ])('a frame %s closes it, for good', async (_what, disturb) => {
    const { a, b } = pair();
    const frames = ['x', 'y', 'z'].map((text) => a.seal(utf8(text)));
    expect(await codeOf(() => texts(b, disturb(frames)))).toBe('bad_seal');
    expect(b.closed).toBe(true);
    expect(await codeOf(() => b.open(frames[1]!))).toBe('closed');
    expect(await codeOf(() => b.seal(utf8('x')))).toBe('closed');
    expect(await codeOf(() => b.exporter('x'))).toBe('closed');
    expect(b.pollSend()).toBeUndefined();
  });

  test('every flipped bit closes it', async () => {
    const length = pair().a.seal(utf8('hello')).length;
    for (let bit = 0; bit < length * 8; bit++) {
      const { a, b } = pair();
      expect(await codeOf(() => b.open(flip(a.seal(utf8('hello')), bit)))).toBe('bad_seal');
    }
  });

  test('an own frame sent back closes it', async () => {
    const { a } = pair();
    expect(await codeOf(() => a.open(a.seal(utf8('echo'))))).toBe('bad_seal');
  });
});

test('both secretboxes make the same frames', () => {
  const [one, two] = [secretbox('tweetnacl'), secretbox('sodium-native')].map((box) => {
    const { a } = sessionPair(box);
    return [0, 1, 5000].map((length) => toHex(a.seal(new Uint8Array(length))));
  });
  expect(one).toEqual(two);
});

describe('rekeying', () => {
  /** Runs one change of keys with messages in flight at every point of it. */
  function rekey(a: Session, b: Session, now: number): void {
    a.startRekey(now);
    const request = drain(a);
    const before = a.seal(utf8('before'));
    expect(texts(b, request)).toEqual(['-']);
    const reply = drain(b);
    const late = b.seal(utf8('under the new key'));
    expect(texts(b, [before])).toEqual(['before']);
    expect(texts(a, [...reply, late])).toEqual(['-', 'under the new key']);
    const change = drain(a);
    const after = a.seal(utf8('after'));
    expect(texts(b, [...change, after])).toEqual(['-', 'after']);
  }

  test('changes both keys with messages under way', () => {
    const { a, b } = sessionPair();
    for (let round = 1; round <= 5; round++) rekey(a, b, round * 1000);
    expect(texts(b, [a.seal(utf8('still here'))])).toEqual(['still here']);
  });

  test('is due after 120 s, on the initiator only, and not twice at once', () => {
    const { a, b } = sessionPair();
    for (const session of [a, b]) expect(session.needsRekey(1000)).toBe(false);
    expect(a.needsRekey(120_999)).toBe(false);
    expect(a.needsRekey(121_000)).toBe(true);
    expect(b.needsRekey(121_000)).toBe(false);
    a.startRekey(121_000);
    expect(a.needsRekey(999_999_999)).toBe(false);
    expect(() => a.startRekey(121_001)).toThrow(/once at a time/);
    expect(() => b.startRekey(121_001)).toThrow(/by the initiator/);
  });

  test('is due after its number of frames, whichever way they went', () => {
    expect(REKEY_AFTER).toEqual({ ms: 120_000, frames: 2 ** 20 });
    const { a, b } = sessionPair(secretbox(), { ms: 120_000, frames: 1000 });
    const nothing = new Uint8Array(0);
    for (let i = 0; i < 999; i++) a.open(b.seal(nothing));
    expect(a.needsRekey(0)).toBe(false);
    a.open(b.seal(nothing));
    expect(a.needsRekey(0)).toBe(true);
    rekey(a, b, 0);
    expect(a.needsRekey(1)).toBe(false);
  });

  test('makes other keys: a frame sealed before cannot be opened after', async () => {
    const { a, b } = sessionPair();
    const recorded = a.seal(utf8('recorded'));
    b.open(recorded);
    rekey(a, b, 0);
    expect(await codeOf(() => b.open(recorded))).toBe('bad_seal');
  });

  test('messages out of turn close the session', async () => {
    const openControl = async (type: number, to: 'a' | 'b', body = new Uint8Array(32).fill(9)) => {
      const { a, b } = sessionPair();
      const [from, at] = to === 'a' ? [b, a] : [a, b];
      const code = await codeOf(() => at.open(sealTyped(from, type, body)));
      return [code, at.closed];
    };
    expect(await openControl(1, 'a')).toEqual(['malformed', true]);
    expect(await openControl(2, 'a')).toEqual(['malformed', true]);
    expect(await openControl(2, 'b')).toEqual(['malformed', true]);
    expect(await openControl(3, 'b', new Uint8Array(0))).toEqual(['malformed', true]);
    expect(await openControl(200, 'b')).toEqual(['malformed', true]);
    expect(await openControl(1, 'b', new Uint8Array(32))).toEqual(['bad_key', true]);
    expect(await openControl(1, 'b', new Uint8Array(31))).toEqual(['bad_key', true]);
  });

  test('whatever is done in whatever order, messages arrive once and in order', () => {
    const action = fc.constantFrom('a sends', 'b sends', 'a reads', 'b reads', 'rekey');
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        const { a, b } = sessionPair();
        const wire = { toA: [] as Uint8Array[], toB: [] as Uint8Array[] };
        const sent = { a: 0, b: 0 };
        const got = { a: 0, b: 0 };
        let rekeying = false;
        const read = (who: 'a' | 'b') => {
          const [session, queue, out] =
            who === 'a' ? [a, wire.toA, wire.toB] : [b, wire.toB, wire.toA];
          const frame = queue.shift();
          if (frame === undefined) return;
          const plain = session.open(frame);
          if (plain !== undefined) expect(fromUtf8(plain)).toBe(String(got[who]++));
          if (plain === undefined && who === 'a') rekeying = false;
          out.push(...drain(session));
        };
        for (const what of actions) {
          if (what === 'a sends') wire.toB.push(a.seal(utf8(String(sent.a++))));
          if (what === 'b sends') wire.toA.push(b.seal(utf8(String(sent.b++))));
          if (what === 'a reads') read('a');
          if (what === 'b reads') read('b');
          if (what === 'rekey' && !rekeying) {
            rekeying = true;
            a.startRekey(0);
            wire.toB.push(...drain(a));
          }
        }
        while (wire.toA.length + wire.toB.length > 0) {
          read('a');
          read('b');
        }
        expect(got).toEqual({ a: sent.b, b: sent.a });
      }),
      { numRuns: 200 },
    );
  });
});

/** A frame of any type, sealed with the session's own key: what a hostile member can send. */
function sealTyped(session: Session, type: number, body: Uint8Array): Uint8Array {
  const box = secretbox('tweetnacl');
  const direction = session.role === 'initiator' ? 'i2r' : 'r2i';
  const key = expandLabel(MASTER, `traffic ${direction}`);
  return box.seal(key, new Uint8Array(24), concat(Uint8Array.of(type), body));
}
