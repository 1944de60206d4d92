/**
 * The join token (docs/protocol.md section 3), the one thing a person carries to a new host:
 * `swp2-<swarm id, hex>-<secret, 6 words>-<checksum, 2 words>`. Two keys come of its secret: the join
 * key, which members hold, and the seed of the token key, which signs admissions and which nobody
 * holds who only is a member.
 */
import { scrypt } from 'node:crypto';
import { admissionMessage, encodeFields, fromHex, joinAdmission, toHex } from '../wire/index.ts';
import { SigningKey } from './ed25519.ts';
import { SecureError } from './errors.ts';
import { equalSecret, protocolLabel, sha256 } from './hash.ts';
import { fromProquints, toProquints } from './proquint.ts';

export interface JoinToken {
  /** 32 bytes; pins the operator's public key. */
  readonly swarmId: Uint8Array;
  /** 12 bytes. */
  readonly secret: Uint8Array;
  readonly text: string;
}

export interface JoinTokenOptions {
  readonly swarmId: Uint8Array;
  readonly random: (n: number) => Uint8Array;
}

/** What a token's secret gives. */
export interface TokenKeys {
  /** What J-PAKE runs on, 32 bytes. */
  readonly joinKey: Uint8Array;
  /** Of the token key (Ed25519), 32 bytes: whoever has it can admit. Wipe it after use. */
  readonly seed: Uint8Array;
  readonly publicKey: Uint8Array;
  /** Names the token, 8 bytes. */
  readonly tag: Uint8Array;
}

export function createJoinToken({ swarmId, random }: JoinTokenOptions): JoinToken {
  const secret = random(SECRET_BYTES);
  return { swarmId, secret, text: formatToken(swarmId, secret) };
}

/**
 * Reads a token as a person may hand it over: with line breaks, spaces, capital letters. The
 * secret itself is never quoted in an error.
 * @throws SecureError `bad_token`
 */
export function parseJoinToken(text: string): JoinToken {
  if (text.length > TEXT_MAX) throw badToken(`it is ${text.length} characters long`);
  const clean = text.replace(/\s+/g, '').toLowerCase();
  if (clean === '') throw badToken('it is empty');
  const parts = clean.split('-');
  const [version, swarm = ''] = parts;
  if (version !== 'swp2') throw badToken(versionProblem(version!));
  if (parts.length !== 10) throw badToken(`it has ${parts.length} parts instead of 10`);
  if (!/^[0-9a-f]{64}$/.test(swarm)) throw badToken('its swarm id is not 64 hex digits');
  const secret = readWords(parts.slice(2, 8), 3);
  const checksum = readWords(parts.slice(8), 9);
  const token = { swarmId: fromHex(swarm), secret };
  if (!equalSecret(checksum, checksumOf(token.swarmId, secret))) {
    throw badToken('its checksum differs, so some of it was mistyped');
  }
  return { ...token, text: clean };
}

/** scrypt of the secret, salt swarm id, 64 bytes. Takes about 100 ms, off the main thread. */
export async function deriveTokenKeys(secret: Uint8Array, swarmId: Uint8Array): Promise<TokenKeys> {
  const both = await new Promise<Buffer>((resolve, reject) => {
    scrypt(secret, swarmId, 64, SCRYPT, (error, key) => (error ? reject(error) : resolve(key)));
  });
  const joinKey = new Uint8Array(both.subarray(0, 32));
  const seed = new Uint8Array(both.subarray(32));
  both.fill(0);
  const { publicKey } = new SigningKey(seed);
  return { joinKey, seed, publicKey, tag: tokenTag(swarmId, publicKey) };
}

/** The first 8 bytes of H(fields(label, swarm id, token's public key)). */
export function tokenTag(swarmId: Uint8Array, publicKey: Uint8Array): Uint8Array {
  return sha256(encodeFields([TAG_LABEL, swarmId, publicKey])).slice(0, 8);
}

/** An admission of a node by the token with this seed. */
export function signAdmission(seed: Uint8Array, swarmId: Uint8Array, nodeId: string): Uint8Array {
  const key = new SigningKey(seed);
  const tag = tokenTag(swarmId, key.publicKey);
  return joinAdmission(tag, key.sign(admissionMessage(swarmId, tag, fromHex(nodeId))));
}

/** 128 * N * r = 32 MiB; OpenSSL wants a little more than that. */
export const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

const SECRET_BYTES = 12;
const TEXT_MAX = 1000;
const TAG_LABEL = protocolLabel('token tag', 2);

function formatToken(swarmId: Uint8Array, secret: Uint8Array): string {
  const check = toProquints(checksumOf(swarmId, secret));
  return `swp2-${toHex(swarmId)}-${toProquints(secret)}-${check}`;
}

function checksumOf(swarmId: Uint8Array, secret: Uint8Array): Uint8Array {
  return sha256(encodeFields([protocolLabel('join token', 2), swarmId, secret])).subarray(0, 4);
}

function readWords(words: readonly string[], firstPart: number): Uint8Array {
  const bytes = words.map((word, index) => {
    try {
      return fromProquints([word]);
    } catch {
      throw badToken(`part ${firstPart + index} is not one of its words`);
    }
  });
  return Buffer.concat(bytes);
}

function versionProblem(version: string): string {
  return /^swp\d+$/.test(version)
    ? `it is of version "${version}", this program knows "swp2": update the older side`
    : 'it does not begin with "swp2-"';
}

function badToken(why: string): SecureError {
  return new SecureError(
    'bad_token',
    `not a join token: ${why}; copy the whole line that "swarmplane init" or "swarmplane token new" printed`,
  );
}
