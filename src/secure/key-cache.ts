/** Public key objects by their 32 bytes: making one costs more than the signature check itself. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { concat } from '../wire/index.ts';

export class KeyCache {
  readonly #prefix: Uint8Array;
  readonly #keys = new Map<string, KeyObject>();

  /** `prefix`: the DER of a SubjectPublicKeyInfo up to the raw key (RFC 8410). */
  constructor(prefix: Uint8Array) {
    this.#prefix = prefix;
  }

  /** @throws Error on bytes that node:crypto takes for no key */
  get(raw: Uint8Array): KeyObject {
    const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
    const found = this.#keys.get(name);
    if (found !== undefined) return found;
    const der = Buffer.from(concat(this.#prefix, raw));
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    // The oldest goes first: peers with long-lived keys are soon back.
    if (this.#keys.size >= KEYS_MAX) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(name, key);
    return key;
  }
}

const KEYS_MAX = 4096;
