/**
 * The join token (docs/protocol.md section 3), the one thing a person carries to a new host:
 * `swp1-<swarm id, hex>-<epoch>-<secret, 6 words>-<checksum, 2 words>`.
 */
import { scrypt } from 'node:crypto';
import { encodeFields, fromHex, toHex, u64 } from '../wire/index.ts';
import { SecureError } from './errors.ts';
import { equalSecret, protocolLabel, sha256 } from './hash.ts';
import { fromProquints, toProquints } from './proquint.ts';

export interface JoinToken {
  /** 32 bytes; pins the operator's public key. */
  readonly swarmId: Uint8Array;
  readonly epoch: number;
  /** 12 bytes. */
  readonly secret: Uint8Array;
  readonly text: string;
}

export interface JoinTokenOptions {
  readonly swarmId: Uint8Array;
  readonly epoch: number;
  readonly random: (n: number) => Uint8Array;
}

export function createJoinToken({ swarmId, epoch, random }: JoinTokenOptions): JoinToken {
  const secret = random(SECRET_BYTES);
  return { swarmId, epoch, secret, text: formatToken(swarmId, epoch, secret) };
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
  const [version, swarm = '', epochText = ''] = parts;
  if (version !== 'swp1') throw badToken(versionProblem(version!));
  if (parts.length !== 11) throw badToken(`it has ${parts.length} parts instead of 11`);
  if (!/^[0-9a-f]{64}$/.test(swarm)) throw badToken('its swarm id is not 64 hex digits');
  if (!/^[1-9][0-9]{0,14}$/.test(epochText)) throw badToken(`its epoch is "${epochText}"`);
  const secret = readWords(parts.slice(3, 9), 4);
  const checksum = readWords(parts.slice(9), 10);
  const token = { swarmId: fromHex(swarm), epoch: Number(epochText), secret };
  if (!equalSecret(checksum, checksumOf(token.swarmId, token.epoch, secret))) {
    throw badToken('its checksum differs, so some of it was mistyped');
  }
  return { ...token, text: clean };
}

/** The key J-PAKE runs on: scrypt of the secret, salt swarm id. Takes about 100 ms, off the main thread. */
export function deriveJoinKey(secret: Uint8Array, swarmId: Uint8Array): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    scrypt(secret, swarmId, 32, SCRYPT, (error, key) =>
      error === null ? resolve(new Uint8Array(key)) : reject(error),
    );
  });
}

/** 128 * N * r = 32 MiB; OpenSSL wants a little more than that. */
export const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };

const SECRET_BYTES = 12;
const TEXT_MAX = 1000;

function formatToken(swarmId: Uint8Array, epoch: number, secret: Uint8Array): string {
  const check = toProquints(checksumOf(swarmId, epoch, secret));
  return `swp1-${toHex(swarmId)}-${epoch}-${toProquints(secret)}-${check}`;
}

function checksumOf(swarmId: Uint8Array, epoch: number, secret: Uint8Array): Uint8Array {
  const fields = [protocolLabel('join token'), swarmId, u64(epoch), secret];
  return sha256(encodeFields(fields)).subarray(0, 4);
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
    ? `it is of version "${version}", this program knows "swp1": update the older side`
    : 'it does not begin with "swp1-"';
}

function badToken(why: string): SecureError {
  return new SecureError(
    'bad_token',
    `not a join token: ${why}; copy the whole line that "swarmplane init" printed`,
  );
}
