import fc from 'fast-check';
import { scryptSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  createJoinToken,
  deriveTokenKeys,
  parseJoinToken,
  SigningKey,
} from '../../src/secure/index.ts';
import { toHex } from '../../src/wire/index.ts';
import { seededRandom } from './fixture.ts';

const swarmId = seededRandom('swarm')(32);
const token = createJoinToken({ swarmId, random: seededRandom('token') });

describe('the join token', () => {
  test('holds version, swarm id, 96 bits as six words, checksum', () => {
    expect(token.text).toMatch(/^swp2-[0-9a-f]{64}(-[a-z]{5}){8}$/);
    expect(token.secret.length).toBe(12);
    const read = parseJoinToken(token.text);
    expect(toHex(read.swarmId)).toBe(toHex(swarmId));
    expect(toHex(read.secret)).toBe(toHex(token.secret));
  });

  test('is read with line breaks, spaces and capitals', () => {
    const typed = `  ${token.text.toUpperCase().replaceAll('-', ' -\r\n\t')}\n`;
    expect(parseJoinToken(typed).text).toBe(token.text);
  });

  test('whatever the secret, it comes back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (secret) => {
        const made = createJoinToken({ swarmId, random: () => secret });
        expect(toHex(parseJoinToken(made.text).secret)).toBe(toHex(secret));
      }),
    );
  });

  const parts = token.text.split('-');
  const changed = (index: number, part: string) => parts.with(index, part).join('-');

  test.each([
    ['', 'it is empty'],
    ['hello', 'does not begin with "swp2-"'],
    [changed(0, 'swp1'), 'version "swp1"'],
    [changed(1, 'abc'), 'swarm id is not 64 hex digits'],
    [changed(3, 'zzzzz'), 'part 4 is not one of its words'],
    [parts.slice(0, 9).join('-'), '9 parts instead of 10'],
    [changed(3, parts[3] === 'babab' ? 'babad' : 'babab'), 'checksum differs'],
    ['x'.repeat(5000), '5000 characters'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(() => parseJoinToken(text)).toThrow(reason);
    expect(() => parseJoinToken(text)).toThrow(expect.objectContaining({ code: 'bad_token' }));
  });

  test('no error repeats the secret', () => {
    for (let index = 0; index < parts.length; index++) {
      try {
        parseJoinToken(changed(index, 'wrong'));
      } catch (error) {
        for (const word of parts.slice(2)) expect(String(error)).not.toContain(word);
      }
    }
  });

  test('any one changed letter of the words is found', () => {
    const start = token.text.indexOf(parts[2]!);
    for (let at = start; at < token.text.length; at++) {
      for (const letter of 'abdfgz') {
        if (token.text[at] === letter || token.text[at] === '-') continue;
        const text = token.text.slice(0, at) + letter + token.text.slice(at + 1);
        expect(() => parseJoinToken(text)).toThrow('not a join token');
      }
    }
  });

  test('its keys are the halves of scrypt of the secret with the swarm id as salt', async () => {
    const limits = { N: 32768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
    const expected = scryptSync(token.secret, swarmId, 64, limits);
    const { joinKey, seed, publicKey, tag } = await deriveTokenKeys(token.secret, swarmId);
    expect(toHex(joinKey) + toHex(seed)).toBe(toHex(expected));
    expect(toHex(publicKey)).toBe(toHex(new SigningKey(seed).publicKey));
    expect(tag.length).toBe(8);
  });
});
