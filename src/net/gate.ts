/** What lets hosts in here (docs/protocol.md section 3): tokens and seats, as the core knows them. */
import { SecureError, type Gate, type NodeId, type TokenRecord } from '../secure/index.ts';
import { toHex } from '../wire/index.ts';
import type { Driver } from './driver.ts';
import { TokenBucket } from './token-bucket.ts';

export class CoreGate implements Gate {
  readonly #driver: () => Driver;

  constructor(driver: () => Driver) {
    this.#driver = driver;
  }

  token(tag: Uint8Array): TokenRecord {
    const name = toHex(tag);
    const door = this.#driver().step((core, now) => core.door(now, name));
    if ('token' in door) return door.token;
    throw new SecureError(door.code, `join token ${name} lets nobody in here: ${door.code}`);
  }

  seat(token: TokenRecord, nodeId: NodeId): void {
    const code = this.#driver().step((core, now) => core.reserveSeat(now, token, nodeId));
    if (code === undefined) return;
    throw new SecureError(code, `${nodeId} is not let in by join token ${token.tag}: ${code}`);
  }
}

/** Parts for hosts that were away: whoever has one earlier key can ask, so they are counted. */
export class PartDesk {
  readonly #bucket: TokenBucket;
  readonly #mono: () => number;
  readonly #read: (number: number) => Uint8Array | undefined;

  constructor(mono: () => number, read: (number: number) => Uint8Array | undefined) {
    this.#mono = mono;
    this.#read = read;
    this.#bucket = new TokenBucket(PARTS_PER_SECOND, PARTS_BURST, mono());
  }

  /** @throws SecureError `busy` */
  readonly read = (number: number): Uint8Array | undefined => {
    if (this.#bucket.waitMs(this.#mono()) > 0) {
      throw new SecureError('busy', 'too many hosts ask for parts of the EPOCH at once');
    }
    this.#bucket.take(this.#mono(), 1);
    return this.#read(number);
  };
}

const PARTS_PER_SECOND = 2;
const PARTS_BURST = 8;
