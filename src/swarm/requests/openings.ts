/**
 * Plaintext of answers that have begun, over all own requests. A host has room for two whole answers,
 * whatever it was asked: more of it is asked again by beacons when the first are whole.
 */
import { ANSWER_BYTES_MAX } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import type { AskedHost } from './ask.ts';

const ALL_BYTES_MAX = 256 * 1024 * 1024;
const OF_ONE_MAX = 2 * ANSWER_BYTES_MAX;

export class Openings {
  #hosts = new Map<NodeId, Map<AskedHost, number>>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Whether a host's answer may grow by so much. Where all is full the host that holds most begins
   * again; `own`: its own share is what is full.
   */
  makeRoom(host: AskedHost, more: number): 'fits' | 'own' | 'all' {
    const mine = this.#of(host.nodeId);
    if (mine + more > OF_ONE_MAX) return 'own';
    while (this.#bytes + more > ALL_BYTES_MAX) {
      const largest = this.#largest();
      if (largest === undefined || this.#of(largest) <= mine + more) return 'all';
      for (const other of [...this.#hosts.get(largest)!.keys()]) this.release(other);
    }
    return 'fits';
  }

  /** What is held of a host's answer to one request. */
  set(host: AskedHost, bytes: number): void {
    const held = this.#hosts.get(host.nodeId) ?? new Map<AskedHost, number>();
    this.#hosts.set(host.nodeId, held);
    this.#bytes += bytes - (held.get(host) ?? 0);
    held.set(host, bytes);
  }

  /** The answer is whole, given up, or begins anew. */
  release(host: AskedHost): void {
    host.opening = undefined;
    const held = this.#hosts.get(host.nodeId);
    this.#bytes -= held?.get(host) ?? 0;
    held?.delete(host);
    if (held?.size === 0) this.#hosts.delete(host.nodeId);
  }

  #of(node: NodeId): number {
    let bytes = 0;
    for (const one of this.#hosts.get(node)?.values() ?? []) bytes += one;
    return bytes;
  }

  #largest(): NodeId | undefined {
    let [most, largest]: [number, NodeId | undefined] = [0, undefined];
    for (const node of this.#hosts.keys()) {
      const bytes = this.#of(node);
      if (bytes > most) [most, largest] = [bytes, node];
    }
    return largest;
  }
}
