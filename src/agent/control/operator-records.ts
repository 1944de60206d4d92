/** What the control socket takes of the operator, and what it tells whoever holds the operator key. */
import {
  parseCertificate,
  parseOperatorRecord,
  SecureError,
  type OperatorRecord,
  type PinnedOperator,
  type RoleCertificate,
} from '../../secure/index.ts';
import { prefixOfNode, type Packable } from '../../wire/index.ts';
import type { Agent } from '../agent.ts';
import { AgentError } from '../errors.ts';
import { CERTIFICATE_KIND } from '../requests/run-request.ts';

/** Members in one answer. */
const PAGE_MAX = 500;
/** Prefixes named of those that are on the roll and unknown here. */
const UNKNOWN_TOLD_MAX = 100;

/** A page of members, by id, and with it what a new record of the operator must fit. */
export function records(agent: Agent, after: unknown): Packable {
  const { swarmId, epoch, epochId } = agent.node.secrets;
  const rolls = agent.node.rolls();
  const from = typeof after === 'string' ? after : '';
  const all = [...agent.members(), ...agent.departed()]
    .filter((member) => member.state !== 'expelled' && member.nodeId > from)
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const page = all.slice(0, PAGE_MAX);
  return {
    ...{
      swarmId,
      epoch,
      epochId: epochId ?? '',
      newestEpoch: rolls.newest,
      isBehind: rolls.isBehind,
      self: agent.nodeId,
    },
    headTime: rolls.head?.time ?? 0,
    links: agent.node.links().length,
    lists: rolls.lists.map((list) => list.bytes),
    roll: rolls.roll.size,
    unknown: from === '' ? unknownOf(agent, rolls.roll) : { count: 0, prefixes: [] },
    tokens: tokens(agent),
    members: page.map((member) => ({
      ...{ nodeId: member.nodeId, name: member.name, entry: member.entry.bytes },
      ...{ state: member.state, since: member.since, admitted: member.admitted },
      ...{ tag: member.tag ?? null, onRoll: rolls.roll.has(prefixOfNode(member.nodeId)) },
      frozen: agent.node.keyList(member.nodeId).fork !== undefined,
    })),
    next: all.length > PAGE_MAX ? page.at(-1)!.nodeId : null,
  };
}

/** The join tokens of the present epoch, as members know them. */
export function tokens(agent: Agent): Packable {
  return agent.node.rolls().tokens.map(({ seats, ...token }) => ({
    ...{ tag: token.tag, version: token.version, state: token.state, bytes: token.bytes },
    ...{ uses: token.uses, made: token.made, notAfter: token.notAfter },
    ...{ note: token.note, host: token.host, seen: seats.length },
  }));
}

function unknownOf(agent: Agent, roll: ReadonlySet<string>): Packable {
  const all = [...agent.members(), ...agent.departed()];
  const known = new Set(all.map((member) => prefixOfNode(member.nodeId)));
  const unknown = [...roll].filter((prefix) => !known.has(prefix));
  return { count: unknown.length, prefixes: unknown.slice(0, UNKNOWN_TOLD_MAX) };
}

export interface InstallRequest {
  /** One record. */
  readonly bytes?: unknown;
  /** Records that belong together, and the parts of the EPOCH among them. */
  readonly records?: unknown;
  readonly parts?: unknown;
}

/**
 * Takes in what the operator signed: a certificate goes to the host it is for, anything else is kept
 * whole, then spreads.
 * @throws AgentError `invalid_request`; SecureError `bad_certificate`
 */
export async function install(agent: Agent, request: InstallRequest): Promise<Packable> {
  const { bytes } = request;
  const pinned = pinnedBy(agent);
  if (bytes === undefined) {
    const [all, parts] = [byteList(request.records), byteList(request.parts)];
    return publish(agent, all, parts, pinned);
  }
  if (!(bytes instanceof Uint8Array)) {
    throw new AgentError('invalid_request', 'the bytes of the record are missing');
  }
  const certificate = ifValid(() => parseCertificate(bytes, pinned));
  if (certificate !== undefined) return installCertificate(agent, certificate);
  return publish(agent, [bytes], [], pinned);
}

async function installCertificate(agent: Agent, certificate: RoleCertificate): Promise<Packable> {
  const { nodeId, serial } = certificate;
  const member = agent.members().find((one) => one.nodeId === nodeId);
  const told = { kind: 'certificate', serial, nodeId, name: member?.name ?? nodeId.slice(0, 12) };
  if (nodeId === agent.nodeId) await agent.certificates.install(certificate.bytes);
  else await handOver(agent, certificate, told.name);
  return told;
}

async function handOver(agent: Agent, { nodeId, bytes }: RoleCertificate, name: string) {
  const targets = { kind: 'nodes', nodes: [nodeId] } as const;
  const spec = { kind: CERTIFICATE_KIND, body: bytes, targets, timeoutMs: HAND_OVER_MS };
  for await (const event of agent.node.request(spec)) {
    if (event.kind !== 'account') continue;
    const outcome = event.account.hosts[0];
    if (outcome?.state === 'ok') return;
    const why = outcome?.message ?? outcome?.state ?? 'no answer';
    throw new AgentError(
      'unreachable',
      `the certificate did not reach ${JSON.stringify(name)}: ${why}`,
      'write it to a file with --out FILE and run `swarmplane operator install FILE` on that host',
    );
  }
}

async function publish(
  agent: Agent,
  all: readonly Uint8Array[],
  parts: readonly Uint8Array[],
  pinned: PinnedOperator,
): Promise<Packable> {
  const parsed = all.map((bytes) => ifValid(() => parseOperatorRecord(bytes, pinned)));
  const last = parsed.at(-1);
  if (last === undefined || parsed.includes(undefined)) {
    throw new AgentError(
      'invalid_request',
      "this is no record that this swarm's operator signed",
      'the operator key that signed it must be the one `swarmplane init` made for this swarm',
    );
  }
  if (!(await agent.node.install({ records: all, parts }))) {
    throw new AgentError(
      'invalid_request',
      `number ${last.number} is not newer than what this swarm has`,
      'make it anew: the number counts on from what the agent knows',
    );
  }
  return toldOf(last);
}

function toldOf(record: OperatorRecord): Packable {
  const { kind, number } = record;
  return { kind, number, nodeId: record.kind === 'head' ? record.head.nodeId : null };
}

function pinnedBy(agent: Agent): PinnedOperator {
  const { operatorKey, swarmId } = agent.node.secrets;
  if (operatorKey !== undefined) return { operatorKey, swarmId };
  throw new AgentError('not_initialised', 'this host does not know the operator key yet');
}

function byteList(value: unknown): Uint8Array[] {
  if (Array.isArray(value) && value.every((one) => one instanceof Uint8Array)) return value;
  throw new AgentError('invalid_request', 'the records are missing');
}

function ifValid<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SecureError) return undefined;
    throw error;
  }
}

const HAND_OVER_MS = 10_000;
