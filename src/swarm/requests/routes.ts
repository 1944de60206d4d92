/**
 * Over which links a request of this node goes: to its hosts alone where all of them that live are
 * linked, which costs a message each; else over all links, to be flooded by everybody, which costs a
 * message a link of the whole swarm.
 */
import { fromHex, toHex } from '../../wire/index.ts';
import type { RequestBody } from '../../wire/index.ts';
import type { Context } from '../engine/context.ts';
import type { Link, Links } from '../links/links.ts';
import type { Members } from '../members/members.ts';
import { isNamed, type Request } from './request.ts';

export class Routes {
  #context: Context;
  #members: Members;
  #links: Links;

  constructor(context: Context, members: Members, links: Links) {
    this.#context = context;
    this.#members = members;
    this.#links = links;
  }

  /** Whoever the table says is dead, nobody else has a link to either. */
  areAllLinked(body: RequestBody): boolean {
    for (const { nodeId, state } of this.#members.expected()) {
      if (nodeId === this.#context.nodeId || state === 'dead') continue;
      if (this.#links.to(nodeId) === undefined && isNamed(body, fromHex(nodeId))) return false;
    }
    return true;
  }

  of({ direct, signed }: Request): Iterable<Link> {
    const { targets } = signed.body;
    if (!direct || targets === undefined) return this.#links.all();
    return targets.flatMap((node) => this.#links.to(toHex(node)) ?? []);
  }
}
