/**
 * A key of the operator (docs/protocol.md sections 3 and 9): the hash of the first one is the swarm id,
 * its signature is what gives a host more than the right to ask. It belongs offline, under a passphrase.
 */
import { scrypt } from 'node:crypto';
import { concat, encodeFields, equalBytes, fromHex, toHex } from '../wire/index.ts';
import { SigningKey } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { equalSecret, protocolLabel, sha256 } from './hash.ts';
import { fromProquints, isProquint, toProquints } from './proquint.ts';
import { secretbox } from './secretbox.ts';
import { SCRYPT } from './token.ts';

export class OperatorKey {
  readonly publicKey: Uint8Array;
  /** SHA-256 of the public key of the first key, 32 bytes. */
  readonly swarmId: Uint8Array;
  /** The swarm id pins it. */
  readonly isFirst: boolean;
  readonly #seed: Uint8Array;
  readonly #signing: SigningKey;

  private constructor(seed: Uint8Array, swarmId?: Uint8Array) {
    this.#seed = seed;
    this.#signing = new SigningKey(seed);
    this.publicKey = this.#signing.publicKey;
    const own = sha256(this.publicKey);
    this.swarmId = swarmId ?? own;
    this.isFirst = equalBytes(this.swarmId, own);
  }

  /** The first key of a new swarm, or a further one of a swarm. */
  static create(random: (n: number) => Uint8Array, swarmId?: Uint8Array): OperatorKey {
    return new OperatorKey(new Uint8Array(random(32)), swarmId);
  }

  /** What people call it: SHA-256 of the public key, 64 hex digits. */
  get id(): string {
    return toHex(sha256(this.publicKey));
  }

  /** The key as 18 words for paper, unsealed: 16 of the secret, 2 of its checksum. */
  toWords(): string {
    return toProquints(concat(this.#seed, wordsChecksum(this.#seed)));
  }

  /**
   * Words as a person types them, which do not say of which swarm they are: without an id of the one
   * whose first key it is. The words themselves are never quoted.
   * @throws SecureError `bad_operator_key`
   */
  static fromWords(text: string, swarmId?: Uint8Array): OperatorKey {
    const words = text
      .toLowerCase()
      .split(/[\s-]+/)
      .filter((word) => word !== '');
    if (words.length !== 18) throw bad(`it has ${words.length} words instead of 18`);
    const wrong = words.findIndex((word) => !isProquint(word));
    if (wrong >= 0) throw bad(`word ${wrong + 1} is none of its words`);
    const bytes = fromProquints(words);
    const seed = bytes.slice(0, 32);
    if (!equalSecret(bytes.subarray(32), wordsChecksum(seed))) {
      throw bad('its checksum differs, so some of it was mistyped');
    }
    return new OperatorKey(seed, swarmId);
  }

  /** Ed25519, 64 bytes. */
  sign(message: Uint8Array): Uint8Array {
    return this.#signing.sign(message);
  }

  /** The text of the key file (write it with mode 0600), sealed when there is a passphrase. */
  async toFile(options: {
    readonly passphrase?: string;
    readonly random: (n: number) => Uint8Array;
  }): Promise<string> {
    const named = this.isFirst ? {} : { publicKey: toHex(this.publicKey) };
    const head = { kind: FILE_KIND, version: 1, swarmId: toHex(this.swarmId), ...named };
    const secret = await this.#fileSecret(options);
    return `${JSON.stringify({ ...head, ...secret }, null, 2)}\n`;
  }

  /** @throws SecureError `bad_operator_key` | `wrong_passphrase` */
  static async fromFile(text: string, passphrase?: string): Promise<OperatorKey> {
    const file = parseFile(text);
    const seed = file.seed ?? (await openSeed(file, passphrase));
    if (seed.length !== 32) throw bad('its secret is not 32 bytes');
    const swarmId = file.publicKey && fromHex(file.swarmId);
    const key = new OperatorKey(seed, swarmId);
    if (toHex(key.swarmId) !== file.swarmId) {
      throw bad(`it names swarm "${file.swarmId}", its key is that of "${toHex(key.swarmId)}"`);
    }
    if (file.publicKey !== undefined && !equalBytes(file.publicKey, key.publicKey)) {
      throw bad('its secret is of another key than it names');
    }
    return key;
  }

  /**
   * Whether a file wants a passphrase.
   * @throws SecureError `bad_operator_key`
   */
  static isEncrypted(text: string): boolean {
    return parseFile(text).sealed !== undefined;
  }

  async #fileSecret(options: {
    readonly passphrase?: string;
    readonly random: (n: number) => Uint8Array;
  }): Promise<Record<string, string>> {
    if (options.passphrase === undefined) return { seed: toHex(this.#seed) };
    const salt = new Uint8Array(options.random(16));
    const nonce = new Uint8Array(options.random(24));
    const key = await stretch(options.passphrase, salt);
    const sealed = concat(nonce, secretbox().seal(key, nonce, this.#seed));
    return { kdf: KDF, salt: toHex(salt), sealed: toHex(sealed) };
  }
}

/** Whether a public key is the one that a swarm id pins. */
export function isOperatorKey(publicKey: Uint8Array, swarmId: Uint8Array): boolean {
  return publicKey.length === 32 && Buffer.compare(sha256(publicKey), swarmId) === 0;
}

interface OperatorFile {
  readonly swarmId: string;
  /** Of a further key. */
  readonly publicKey?: Uint8Array;
  readonly seed?: Uint8Array;
  readonly salt?: Uint8Array;
  readonly sealed?: Uint8Array;
}

function parseFile(text: string): OperatorFile {
  let file: Record<string, unknown>;
  try {
    file = Object(JSON.parse(text)) as Record<string, unknown>;
  } catch (cause) {
    throw bad(`it is not JSON (${(cause as Error).message})`);
  }
  if (file['kind'] !== FILE_KIND) throw bad(`its kind is ${JSON.stringify(file['kind'])}`);
  if (file['version'] !== 1) throw bad(`its version is ${JSON.stringify(file['version'])}, not 1`);
  const isFurther = file['publicKey'] !== undefined;
  const named = {
    swarmId: isFurther ? toHex(hexField(file, 'swarmId')) : String(file['swarmId']),
    ...(isFurther && { publicKey: hexField(file, 'publicKey') }),
  };
  if (file['sealed'] === undefined) return { ...named, seed: hexField(file, 'seed') };
  if (file['kdf'] !== KDF) throw bad(`its kdf is ${JSON.stringify(file['kdf'])}, not "${KDF}"`);
  return { ...named, salt: hexField(file, 'salt'), sealed: hexField(file, 'sealed') };
}

async function openSeed(file: OperatorFile, passphrase?: string): Promise<Uint8Array> {
  if (passphrase === undefined) {
    throw new SecureError('wrong_passphrase', 'the operator key is sealed: give its passphrase');
  }
  const sealed = file.sealed!;
  if (sealed.length !== 24 + 16 + 32) throw bad(`its sealed part has ${sealed.length} bytes`);
  const key = await stretch(passphrase, file.salt!);
  const seed = secretbox().open(key, sealed.subarray(0, 24), sealed.subarray(24));
  if (seed === undefined) {
    throw new SecureError('wrong_passphrase', 'the passphrase does not open the operator key');
  }
  return seed;
}

function wordsChecksum(seed: Uint8Array): Uint8Array {
  return sha256(encodeFields([protocolLabel('operator words', 2), seed])).subarray(0, 4);
}

function hexField(file: Record<string, unknown>, name: string): Uint8Array {
  const value = file[name];
  if (typeof value !== 'string' || !/^(?:[0-9a-f]{2})+$/.test(value)) {
    throw bad(`its "${name}" is missing or not hex`);
  }
  return fromHex(value);
}

/** The passphrase in NFC, so that the same keys typed elsewhere give the same bytes. */
function stretch(passphrase: string, salt: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, 32, SCRYPT, (error, key) =>
      error === null ? resolve(new Uint8Array(key)) : reject(error),
    );
  });
}

function bad(why: string): SecureError {
  return new SecureError('bad_operator_key', `not an operator key file: ${why}`);
}

const FILE_KIND = 'swarmplane operator key';
const KDF = 'scrypt-15-8-1';
