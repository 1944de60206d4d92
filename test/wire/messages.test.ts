/** Every message of a link: both ways, cut, with a field more, and in docs/protocol.md. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage, pack, unpack, WireError } from '../../src/wire/index.ts';
import type { Packable, SwarmMessage } from '../../src/wire/index.ts';

const some = (length: number): Uint8Array => new Uint8Array(length).fill(7);

/** One of each kind with all of its fields: a new kind does not compile without one. */
const MESSAGES: { readonly [T in SwarmMessage['t']]: Required<Extract<SwarmMessage, { t: T }>> } = {
  heartbeat: { t: 'heartbeat' },
  frozen: { t: 'frozen' },
  news: { t: 'news', objects: [some(3), some(9)] },
  summary: { t: 'summary', from: some(8), to: some(8), entries: some(32), back: true },
  digest: { t: 'digest', hash: some(32) },
  want: { t: 'want', node: some(32) },
  record: { t: 'record', bytes: some(5) },
  holds: { t: 'holds', lists: some(8), epoch: some(16), tokens: some(8), heads: some(8) },
  tokens: { t: 'tokens', epoch: some(16), entries: some(32), back: false },
  'part-want': { t: 'part-want', epoch: some(16), number: 3 },
  part: { t: 'part', epoch: some(16), number: 3, bytes: some(9) },
  'keys-want': { t: 'keys-want', node: some(32), from: 2 },
  keys: { t: 'keys', entries: [some(100)] },
  probe: { t: 'probe', question: some(40) },
  probed: { t: 'probed', signed: some(40) },
  seals: { t: 'seals', heads: [some(50)] },
  'seals-have': { t: 'seals-have', newest: some(56) },
  request: { t: 'request', signed: some(200), body: some(10), hops: 4, ms: 5_000 },
  pull: { t: 'pull', id: some(16), origin: some(32) },
  reply: {
    t: 'reply',
    id: some(16),
    origin: some(32),
    node: some(32),
    key: some(32),
    chunk: 0,
    final: true,
    sealed: some(20),
    hops: 2,
  },
  accepted: { t: 'accepted', signed: some(30), hops: 1 },
  flood: { t: 'flood', signed: some(30), hops: 1 },
};

describe.each(Object.values(MESSAGES))('a $t', (message) => {
  const bytes = encodeMessage(message);

  test('comes back, and without a field that its reader does not know', () => {
    expect(decodeMessage(bytes)).toEqual(message);
    const more = { ...(unpack(bytes) as Record<string, Packable>), later: 1 };
    expect(decodeMessage(pack(more))).toEqual(message);
  });

  test('is refused when cut at any offset', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => decodeMessage(bytes.subarray(0, length))).toThrow(WireError);
  });

  test('is refused with a field of another type', () => {
    for (const field of Object.keys(message).filter((name) => name !== 't'))
      expect(() => decodeMessage(pack({ ...message, [field]: 'text' } as Packable))).toThrow(
        `"${field}"`,
      );
  });

  test('has its row in docs/protocol.md, with these fields', () => {
    const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
    const row =
      new RegExp(`^\\| \`${message.t}\` \\| ([^|]*) \\|`, 'm').exec(page)?.[1] ?? 'no row';
    const fields = Object.keys(message).filter((name) => name !== 't');
    expect([...row.matchAll(/`(\w+)`/g)].map((match) => match[1])).toEqual(fields);
  });
});

test('a message of a kind that this version does not know is passed over', () => {
  expect(decodeMessage(pack({ t: 'later', hash: some(3) }))).toBeUndefined();
  expect(() => decodeMessage(pack({ hash: some(3) }))).toThrow(WireError);
});
