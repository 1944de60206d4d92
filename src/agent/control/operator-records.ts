/** What the control socket takes of the operator, and what it tells whoever holds the operator key. */
import {
  operatorKeyId,
  parseCertificate,
  parseOperatorRecord,
  pinnedOf,
  SecureError,
  type OperatorRecord,
  type PinnedOperator,
  type RoleCertificate,
} from '../../secure/index.ts';
import { prefixOfNode } from '../../wire/index.ts';
import type { Controlled } from './controlled.ts';
import type { RequestOf, ResultOf } from './operations.ts';
import { AgentError } from '../errors.ts';
import { CERTIFICATE_KIND } from '../requests/run-request.ts';

const NONE = new Uint8Array(0);
/** Members in one answer. */
const PAGE_MAX = 500;
/** Prefixes named of those that are on the roll and unknown here. */
const UNKNOWN_TOLD_MAX = 100;

/** A page of members, by id, and with it what a new record of the operator must fit. */
export function records(agent: Controlled, from = ''): ResultOf<'records'> {
  const { swarmId, operatorKey = NONE, epoch, epochId } = agent.node.secrets;
  const rolls = agent.node.rolls();
  const all = [...agent.members(), ...agent.departed()]
    .filter((member) => member.state !== 'expelled' && member.nodeId > from)
    .sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const page = all.slice(0, PAGE_MAX);
  return {
    swarmId,
    operatorKey,
    operators: rolls.operators?.statements.map(({ bytes }) => bytes) ?? [],
    named: from === '' ? rolls.named : [],
    isVoid: rolls.isVoid,
    epoch,
    epochId: epochId ?? '',
    newestEpoch: rolls.newest,
    isBehind: rolls.isBehind,
    self: agent.nodeId,
    headTime: rolls.head?.time ?? 0,
    links: agent.node.links().length,
    lists: rolls.lists.map((list) => list.bytes),
    roll: rolls.roll.size,
    unknown: from === '' ? unknownOf(agent, rolls.roll) : { count: 0, prefixes: [] },
    tokens: tokens(agent),
    members: page.map((member) => ({
      nodeId: member.nodeId,
      name: member.name,
      entry: member.entry.bytes,
      state: member.state,
      since: member.since,
      admitted: member.admitted,
      tag: member.tag ?? null,
      onRoll: rolls.roll.has(prefixOfNode(member.nodeId)),
      frozen: agent.node.keyList(member.nodeId).fork !== undefined,
    })),
    next: all.length > PAGE_MAX ? page.at(-1)!.nodeId : null,
  };
}

/** The keys of the operator, the most senior first. */
export function operatorKeys(agent: Controlled): ResultOf<'operator-keys'> {
  const { operators } = agent.node.rolls();
  const idOf = (key: string | undefined) => (key === undefined ? null : operatorKeyId(key));
  return (operators?.keys ?? []).map(({ id, added, revokedBy, isFinal }) => ({
    id,
    name: added?.name ?? '',
    addedBy: idOf(added?.signer),
    added: added?.made ?? null,
    revokedBy: idOf(revokedBy),
    isFinal,
  }));
}

/** The join tokens of the present epoch, as members know them. */
export function tokens(agent: Controlled): ResultOf<'tokens'> {
  return agent.node.rolls().tokens.map((token) => ({
    tag: token.tag,
    version: token.version,
    state: token.state,
    bytes: token.bytes,
    uses: token.uses,
    made: token.made,
    notAfter: token.notAfter,
    note: token.note,
    host: token.host,
    seen: token.seats.length,
  }));
}

function unknownOf(agent: Controlled, roll: ReadonlySet<string>): ResultOf<'records'>['unknown'] {
  const all = [...agent.members(), ...agent.departed()];
  const known = new Set(all.map((member) => prefixOfNode(member.nodeId)));
  const unknown = [...roll].filter((prefix) => !known.has(prefix));
  return { count: unknown.length, prefixes: unknown.slice(0, UNKNOWN_TOLD_MAX) };
}

/**
 * Takes in what the operator signed: a certificate goes to the host it is for, anything else is kept
 * whole, then spreads.
 * @throws AgentError `invalid_request`; SecureError `bad_certificate`
 */
export async function install(
  agent: Controlled,
  { records: all, parts = [] }: RequestOf<'install'>,
): Promise<ResultOf<'install'>> {
  const pinned = pinnedBy(agent);
  const [first, ...others] = all;
  if (others.length > 0 || parts.length > 0) return publish(agent, all, parts, pinned);
  const certificate = ifValid(() => parseCertificate(first!, pinned));
  if (certificate !== undefined) return installCertificate(agent, certificate);
  return publish(agent, all, parts, pinned);
}

async function installCertificate(
  agent: Controlled,
  certificate: RoleCertificate,
): Promise<ResultOf<'install'>> {
  const { nodeId, serial } = certificate;
  const member = agent.members().find((one) => one.nodeId === nodeId);
  const told = {
    kind: 'certificate' as const,
    serial,
    nodeId,
    name: member?.name ?? nodeId.slice(0, 12),
  };
  if (nodeId === agent.nodeId) await agent.certificates.install(certificate.bytes);
  else await handOver(agent, certificate, told.name);
  return told;
}

async function handOver(agent: Controlled, { nodeId, bytes }: RoleCertificate, name: string) {
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
  agent: Controlled,
  all: readonly Uint8Array[],
  parts: readonly Uint8Array[],
  pinned: PinnedOperator,
): Promise<ResultOf<'install'>> {
  const parsed = parseInTurn(all, pinned);
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
      last.kind === 'operator-key'
        ? 'this was said of that key before, or the key that signed it may not say it'
        : `number ${last.number} is not newer than what this swarm has`,
      'make it anew: it goes on from what the agent knows',
    );
  }
  return toldOf(last);
}

/** Each under the keys that those before it have added. */
function parseInTurn(
  all: readonly Uint8Array[],
  pinned: PinnedOperator,
): (OperatorRecord | undefined)[] {
  let { operators } = pinned;
  return all.map((bytes) => {
    const by = operators === undefined ? pinned : { ...pinned, operators };
    const record = ifValid(() => parseOperatorRecord(bytes, by));
    if (record?.kind === 'operator-key') operators = operators?.with(record) ?? operators;
    return record;
  });
}

function toldOf(record: OperatorRecord): ResultOf<'install'> {
  const { number } = record;
  if (record.kind === 'head') return { kind: 'head', number, nodeId: record.head.nodeId };
  if (record.kind === 'hub') return { kind: 'hub', number, nodeId: record.nodeId };
  if (record.kind === 'operator-key') {
    return { kind: 'operator-key', verb: record.verb, id: operatorKeyId(record.key) };
  }
  return { kind: record.kind, number };
}

function pinnedBy(agent: Controlled): PinnedOperator {
  const pinned = pinnedOf(agent.node.secrets);
  if (pinned !== undefined) return pinned;
  throw new AgentError('not_initialised', 'this host does not know the operator key yet');
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
