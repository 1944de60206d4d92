import { describe, expect, test } from 'vitest';
import { isOperatorKey, OperatorKey, sha256, verifyStrict } from '../../src/secure/index.ts';
import { toHex, utf8 } from '../../src/wire/index.ts';
import { operator, seededRandom } from './fixture.ts';

const random = seededRandom('file');

describe('the operator key', () => {
  test('its hash is the swarm id, and it signs', () => {
    expect(toHex(operator.swarmId)).toBe(toHex(sha256(operator.publicKey)));
    expect(verifyStrict(operator.publicKey, utf8('x'), operator.sign(utf8('x')))).toBe(true);
    expect(isOperatorKey(operator.publicKey, operator.swarmId)).toBe(true);
    expect(isOperatorKey(seededRandom('z')(32), operator.swarmId)).toBe(false);
  });

  test('comes back from its file, with a passphrase and without', async () => {
    const open = await operator.toFile({ random });
    expect(OperatorKey.isEncrypted(open)).toBe(false);
    expect(toHex((await OperatorKey.fromFile(open)).publicKey)).toBe(toHex(operator.publicKey));
    const sealed = await operator.toFile({ random, passphrase: 'grüße' });
    expect(OperatorKey.isEncrypted(sealed)).toBe(true);
    const again = await OperatorKey.fromFile(sealed, 'gru\u0308ße');
    expect(toHex(again.publicKey)).toBe(toHex(operator.publicKey));
  });

  test('a sealed file shows nothing of the key and opens with its passphrase only', async () => {
    const open = JSON.parse(await operator.toFile({ random })) as { seed: string };
    const sealed = await operator.toFile({ random, passphrase: 'right' });
    expect(sealed).not.toContain(open.seed);
    await expect(OperatorKey.fromFile(sealed)).rejects.toMatchObject({ code: 'wrong_passphrase' });
    await expect(OperatorKey.fromFile(sealed, 'wrong')).rejects.toMatchObject({
      code: 'wrong_passphrase',
    });
  });

  test.each<[string, (file: Record<string, unknown>) => unknown]>([
    ['its kind is "pet"', (file) => ({ ...file, kind: 'pet' })],
    ['its version is 2', (file) => ({ ...file, version: 2 })],
    ['"seed" is missing or not hex', (file) => ({ ...file, seed: 'xyz' })],
    ['its secret is not 32 bytes', (file) => ({ ...file, seed: 'ff' })],
    ['it names swarm "aa"', (file) => ({ ...file, swarmId: 'aa' })],
    ['its kind is undefined', () => null],
    ['its kdf is "md5"', (file) => ({ ...file, sealed: 'ff', salt: 'ff', kdf: 'md5' })],
    [
      'its sealed part has 1 bytes',
      (file) => ({ ...file, sealed: 'ff', salt: 'ff', kdf: 'scrypt-15-8-1' }),
    ],
  ])('%s is an error that says so', async (reason, change) => {
    const file = JSON.parse(await operator.toFile({ random })) as Record<string, unknown>;
    const text = JSON.stringify(change(file));
    await expect(OperatorKey.fromFile(text, 'pass')).rejects.toThrow(reason);
    await expect(OperatorKey.fromFile(text, 'pass')).rejects.toMatchObject({
      code: 'bad_operator_key',
    });
  });

  test('a file that is no JSON is an error that says so', async () => {
    await expect(OperatorKey.fromFile('-----BEGIN')).rejects.toThrow('it is not JSON');
  });
});

describe('the words of an operator key', () => {
  const key = OperatorKey.create(seededRandom('words'));

  test('give the same key back, however they are typed', () => {
    const words = key.toWords();
    expect(words.split('-')).toHaveLength(18);
    const typed = OperatorKey.fromWords(`  ${words.toUpperCase().replaceAll('-', ' \n')}`);
    expect(toHex(typed.swarmId)).toBe(toHex(key.swarmId));
    expect(toHex(typed.sign(utf8('x')))).toBe(toHex(key.sign(utf8('x'))));
  });

  test('mistyped they are refused, and not quoted', () => {
    const words = key.toWords().split('-');
    const swapped = [words[1]!, words[0]!, ...words.slice(2)].join(' ');
    for (const [text, why] of [
      [swapped, /checksum differs/],
      [words.slice(1).join(' '), /17 words instead of 18/],
      [words.with(4, 'secret').join(' '), /word 5 is none/],
    ] as const) {
      expect(() => OperatorKey.fromWords(text)).toThrow(why);
      expect(() => OperatorKey.fromWords(text)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining(words[2]!) as string }),
      );
    }
  });
});
