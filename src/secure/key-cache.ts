/** Public key objects by their 32 bytes: making one costs more than the signature check itself. */
import type { KeyObject } from 'node:crypto';
import { publicKeyObject, type Curve } from './raw-key.ts';

export class KeyCache {
  readonly #curve: Curve;
  readonly #keys = new Map<string, KeyObject>();

  constructor(curve: Curve) {
    this.#curve = curve;
  }

  /** @throws Error on bytes that node:crypto takes for no key */
  get(raw: Uint8Array): KeyObject {
    const name = Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('latin1');
    const found = this.#keys.get(name);
    if (found !== undefined) return found;
    const key = publicKeyObject(this.#curve, raw);
    // The oldest goes first: peers with long-lived keys are soon back.
    if (this.#keys.size >= KEYS_MAX) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(name, key);
    return key;
  }
}

const KEYS_MAX = 4096;
