/** A request as this node knows it, its own or another member's. */
import { equalBytes, type RequestBody, type SignedObject } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { LinkId } from '../types.ts';

/** A request that is under way. */
export interface Request {
  /** Origin and id: what the replay cache keys on. */
  readonly key: string;
  /** 32 hex digits. */
  readonly id: string;
  readonly origin: NodeId;
  readonly signed: SignedObject<RequestBody>;
  /** SHA-256 of the signed bytes. */
  readonly hash: Uint8Array;
  /** As it travels: sealed, where targets are named. */
  readonly body: Uint8Array;
  /** `mono` at which hosts stop working on it. */
  readonly endsAt: number;
  /** Hops that are left from here; below 0 it is not passed on. */
  hops: number;
  /** Where answers go that have no direct link; undefined at the origin. */
  nextHop: LinkId | undefined;
  /** Sequence of the newest beacon. */
  beacon: number;
  /** An own one that went over our links alone, to hosts that do not pass it on. */
  direct: boolean;
}

export function requestKey(origin: NodeId, id: string): string {
  return origin + id;
}

/** A request that names nobody is for everybody. */
export function isNamed({ targets }: RequestBody, node: Uint8Array): boolean {
  return targets === undefined || targets.some((one) => equalBytes(one, node));
}
