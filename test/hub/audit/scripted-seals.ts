/** Signs and remembers seals as a node does, with a real key of its own, without a swarm. */
import { randomBytes } from 'node:crypto';
import type { Seals, SealSpec, SealView } from '../../../src/agent/index.ts';
import { Identity } from '../../../src/secure/index.ts';
import { attachSignature, decodeSigned, fromHex, signingBytes } from '../../../src/wire/index.ts';
import type { SealBody, SignedObject } from '../../../src/wire/index.ts';
import { viewOf } from '../../../src/swarm/audit/seal-memory.ts';

export class ScriptedSeals implements Seals {
  readonly identity = Identity.create((n) => new Uint8Array(randomBytes(n)), Date.now() / 1000);
  /** What came to be spread, in its order. */
  readonly heads: SealView[] = [];
  readonly #hub: () => string;

  constructor(hub: () => string) {
    this.#hub = hub;
  }

  sign({ chain, number, hash, at }: SealSpec): SealView {
    const signed = signingBytes({
      kind: 'seal',
      swarm: new Uint8Array(32),
      chain: fromHex(chain),
      number,
      at,
      hash: fromHex(hash),
      hub: fromHex(this.#hub()),
      keyVersion: 0,
    });
    return view(attachSignature(signed, this.identity.sign(signed)));
  }

  spread(head: Uint8Array): boolean {
    const seal = view(head);
    if (this.heads.some((known) => known.hash === seal.hash)) return false;
    this.heads.push(seal);
    return true;
  }

  all(): readonly SealView[] {
    return this.heads;
  }
}

function view(bytes: Uint8Array): SealView {
  return viewOf(decodeSigned(new Uint8Array(bytes)) as SignedObject<SealBody>);
}
