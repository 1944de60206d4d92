import { describe, expect, test } from 'vitest';
import { Channel, type ChannelEvent } from '../../src/secure/index.ts';
import { concat, encodeFrame, fromUtf8, utf8 } from '../../src/wire/index.ts';
import { codeOf, flip, party, secrets } from './fixture.ts';

interface End {
  readonly channel: Channel;
  readonly events: ChannelEvent[];
}

function end(role: 'initiator' | 'responder', of = secrets): End {
  return { channel: new Channel({ role, secrets: of, ...party(role) }), events: [] };
}

function sent(from: End): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let part = from.channel.pollSend(); part; part = from.channel.pollSend()) parts.push(part);
  return concat(...parts);
}

/** Carries what both want to send until neither has anything, in pieces of `size` bytes. */
function carry(a: End, b: End, now: number, size = 7): void {
  for (let quiet = 0; quiet < 2; [a, b] = [b, a]) {
    const bytes = sent(a);
    quiet = bytes.length === 0 ? quiet + 1 : 0;
    for (let at = 0; at < bytes.length; at += size) {
      b.events.push(...b.channel.receive(bytes.subarray(at, at + size), now));
    }
  }
}

function texts(of: End): string[] {
  return of.events.flatMap((one) => (one.kind === 'message' ? [fromUtf8(one.message)] : []));
}

describe('a channel', () => {
  test.each([1, 7, 100_000])('opens and carries messages in pieces of %i bytes', (size) => {
    const [a, b] = [end('initiator'), end('responder')];
    carry(a, b, 0, size);
    expect(a.events).toMatchObject([{ kind: 'open', peer: { nodeId: nodeOf('responder') } }]);
    expect(b.events).toMatchObject([{ kind: 'open', peer: { nodeId: nodeOf('initiator') } }]);
    for (const text of ['one', 'two', '']) a.channel.send(utf8(text), 1);
    b.channel.send(utf8('three'), 1);
    carry(a, b, 1, size);
    expect([texts(a), texts(b)]).toEqual([['three'], ['one', 'two', '']]);
  });

  test('changes its keys when their time is over, and messages go on', () => {
    const [a, b] = [end('initiator'), end('responder')];
    carry(a, b, 0);
    a.channel.send(utf8('before'), 0);
    carry(a, b, 0);
    const quiet = sent(a).length;
    a.channel.send(utf8('after'), 121_000);
    const bytes = sent(a);
    // REKEY goes first, and the message does not wait for its answer.
    expect(bytes.length).toBeGreaterThan(quiet + 2 * 20 + 32);
    b.events.push(...b.channel.receive(bytes, 121_000));
    b.channel.send(utf8('reply'), 121_000);
    carry(b, a, 121_000);
    a.channel.send(utf8('last'), 121_001);
    carry(a, b, 121_001);
    expect([texts(a), texts(b)]).toEqual([['reply'], ['before', 'after', 'last']]);
  });

  test('takes nothing to send before it is open, and nothing that was changed afterwards', async () => {
    const [a, b] = [end('initiator'), end('responder')];
    expect(await codeOf(() => a.channel.send(utf8('early'), 0))).toBe('closed');
    carry(a, b, 0);
    a.channel.send(utf8('text'), 0);
    const bytes = sent(a);
    expect(await codeOf(() => b.channel.receive(flip(bytes, 8 * 10), 0))).not.toBe('no error');
    expect(await codeOf(() => b.channel.receive(bytes, 0))).toBe('closed');
  });

  test('refuses the frames of strangers that are too large, and tells an older epoch why', async () => {
    expect(() => end('responder').channel.receive(Uint8Array.of(0, 0, 16, 1), 0)).toThrow('4097');
    const [old, b] = [
      end('initiator', { ...secrets, epochKey: new Uint8Array(32) }),
      end('responder'),
    ];
    expect(await codeOf(() => b.channel.receive(sent(old), 0))).toBe('wrong_epoch');
    const word = sent(b);
    expect(await codeOf(() => old.channel.receive(word, 0))).toBe('wrong_epoch');
    const none = end('responder').channel.receive(encodeFrame(new Uint8Array()).subarray(0, 3), 0);
    expect(none).toEqual([]);
  });
});

function nodeOf(name: string): string {
  return party(name).identity.nodeId;
}
