/** Turns what is asked into a signed REQ and the list of hosts that its account must name. */
import {
  decodeSigned,
  fromHex,
  HOPS_MAX,
  REQUEST_BODY_MAX,
  REQUEST_MS_MAX,
} from '../../wire/index.ts';
import { REQUEST_VERSION, TARGETS_MAX, toHex } from '../../wire/index.ts';
import type { RequestBody, SignedObject } from '../../wire/index.ts';
import type { NodeId } from '../../secure/types.ts';
import { newHost } from './ask.ts';
import type { Ask, AskedHost } from './ask.ts';
import { SwarmError } from '../errors.ts';
import { isOut } from '../members/member.ts';
import type { Context } from '../engine/context.ts';
import type { Links } from '../links/links.ts';
import type { Members } from '../members/members.ts';
import type { OperatorRecords } from '../trust/operator-records.ts';
import { recipientId, sealBody, usablePrekey, type Prekeys } from './prekeys.ts';
import { requestKey } from './request.ts';
import type { RequestSpec, Targets } from '../types.ts';

/** Hosts stop this much before the account closes, so that the last word still arrives. */
const SLACK_MAX_MS = 500;

/** What is known here of the hosts to be asked. */
export interface AskSources {
  readonly context: Context;
  readonly members: Members;
  readonly links: Links;
  readonly prekeys: Prekeys;
  readonly records: OperatorRecords;
}

/** @throws SwarmError when it cannot be asked like this; nothing was sent then */
export function prepareAsk(from: AskSources, spec: RequestSpec): Ask {
  check(spec);
  const { context } = from;
  const { mono, wall } = context.now;
  const hostMs = spec.timeoutMs - Math.min(SLACK_MAX_MS, Math.floor(spec.timeoutMs / 10));
  const hosts = expectedHosts(from, spec.targets);
  const pair = context.crypto.x25519KeyPair(context.options.random(32));
  const requestId = context.options.random(16);
  const { targets, body } = address(from, requestId, spec, hosts);
  const signed = context.sign({
    kind: 'request',
    version: REQUEST_VERSION,
    swarm: context.swarm,
    epoch: context.epoch,
    id: requestId,
    origin: context.node,
    keyVersion: context.self.entry.version,
    replyKey: pair.publicKey,
    issued: Math.floor(wall),
    expires: Math.floor(wall + hostMs),
    what: spec.kind,
    targets,
    certificate: spec.certificate ?? new Uint8Array(0),
    expected: context.crypto.sha256(...[...hosts.keys()].sort().map(fromHex)),
    bodyHash: context.crypto.sha256(body),
  });
  const object = decodeSigned(signed) as SignedObject<RequestBody>;
  const id = toHex(object.body.id);
  return {
    request: {
      key: requestKey(context.nodeId, id),
      id,
      origin: context.nodeId,
      signed: object,
      hash: context.crypto.sha256(signed),
      body,
      endsAt: mono + hostMs,
      hops: HOPS_MAX,
      nextHop: undefined,
      beacon: 0,
      direct: false,
    },
    secretKey: pair.secretKey,
    startedAt: mono,
    endsAt: mono + spec.timeoutMs,
    hosts,
    waiting: new Set(hosts.keys()),
    strangers: new Map(),
    beacons: 0,
    beaconAt: -Infinity,
  };
}

/** To all in clear inside sessions; to named hosts sealed, as far as there is hope for them. */
function address(
  from: AskSources,
  id: Uint8Array,
  spec: RequestSpec,
  hosts: ReadonlyMap<NodeId, AskedHost>,
): { targets: Uint8Array[] | undefined; body: Uint8Array } {
  if (spec.targets.kind === 'all') return { targets: undefined, body: spec.body };
  const { context } = from;
  const recipients = [...hosts.values()]
    .filter((host) => host.hopeless === undefined)
    .map(({ nodeId }) => ({ node: fromHex(nodeId), publicKey: prekeyOf(from, nodeId)! }));
  const runs = recipients.map(({ node, publicKey }) => {
    const id = recipientId(context, node, bootOf(from, toHex(node)));
    return { id, publicKey };
  });
  const about = { swarm: context.swarm, origin: context.node, id };
  const body = sealBody(context, about, runs, spec.body);
  return { targets: recipients.map(({ node }) => node), body };
}

function check(spec: RequestSpec): void {
  if (spec.body.length > REQUEST_BODY_MAX) {
    throw new SwarmError(
      'body_too_large',
      `the request is ${spec.body.length} bytes, at most ${REQUEST_BODY_MAX}: ask for less at once`,
    );
  }
  if (!(spec.timeoutMs >= 1 && spec.timeoutMs <= REQUEST_MS_MAX)) {
    throw new SwarmError(
      'bad_argument',
      `timeout of ${spec.timeoutMs} ms is not from 1 to ${REQUEST_MS_MAX}`,
    );
  }
  if (spec.targets.kind === 'all') return;
  if (spec.targets.nodes.length > TARGETS_MAX) {
    throw new SwarmError(
      'too_many_targets',
      `${spec.targets.nodes.length} hosts named, at most ${TARGETS_MAX}: split the request`,
    );
  }
  const wrong = spec.targets.nodes.find((node) => !/^[0-9a-f]{64}$/.test(node));
  if (wrong !== undefined) {
    throw new SwarmError(
      'bad_argument',
      `"${wrong.slice(0, 80)}" is not a node id of 64 hex digits`,
    );
  }
}

function expectedHosts(from: AskSources, targets: Targets): Map<NodeId, AskedHost> {
  const hosts =
    targets.kind === 'all'
      ? [...from.members.expected()].map((it) => newHost(it.nodeId, from.members.nameOf(it.nodeId)))
      : unique(targets.nodes).map((nodeId) => namedHost(from, nodeId));
  return new Map(hosts.map((host) => [host.nodeId, host]));
}

/** A host that was named is in the account, whatever the table says. */
function namedHost(from: AskSources, nodeId: NodeId): AskedHost {
  const member = from.members.get(nodeId);
  if (member === undefined)
    return newHost(
      nodeId,
      nodeId.slice(0, 12),
      from.records.isExpelled(nodeId) ? 'expelled' : 'unknown',
    );
  const name = from.members.nameOf(nodeId);
  if (isOut(member)) return newHost(nodeId, name, member.state);
  return newHost(nodeId, name, prekeyOf(from, nodeId) === undefined ? 'no_key' : undefined);
}

/** The run that a host is in: its link knows first. */
function bootOf({ context, members, links }: AskSources, nodeId: NodeId): Uint8Array {
  if (nodeId === context.nodeId) return context.self.bootId;
  return links.to(nodeId)?.peer.bootId ?? members.get(nodeId)!.record.body.bootId;
}

/** The own one is there before the own record with it is. */
function prekeyOf(
  { context, members, prekeys }: AskSources,
  nodeId: NodeId,
): Uint8Array | undefined {
  const own = nodeId === context.nodeId;
  return usablePrekey(context, own ? prekeys.shown : members.get(nodeId)?.record.body.prekey);
}

function unique(nodes: readonly NodeId[]): NodeId[] {
  return [...new Set(nodes)];
}
