/** What each operation of the control socket does. */
import { parseKeyEntry, sha256, type KeyEntry } from '../../secure/index.ts';
import type { MemberView, Targets } from '../../swarm/index.ts';
import { looksOf, prefixOfNode, toHex } from '../../wire/index.ts';
import type { ControlHandler } from './control-server.ts';
import type { Controlled } from './controlled.ts';
import { AgentError } from '../errors.ts';
import { health } from './health.ts';
import { install, operatorKeys, records, tokens } from './operator-records.ts';
import type { ItemOf, OperationName, RequestOf, ResultOf } from './operations.ts';
import { PackedAnswer } from '../answer.ts';
import { resolveAny, resolveHosts } from '../requests/targets.ts';
import { formatAddress } from '../../base/index.ts';
import { VERSION } from '../version.ts';

type Reply<N extends OperationName> =
  ResultOf<N> | Promise<ResultOf<N>> | AsyncGenerator<ItemOf<N>, ResultOf<N>>;

type Handlers = {
  readonly [N in OperationName]: (
    agent: Controlled,
    request: RequestOf<N>,
    signal: AbortSignal,
  ) => Reply<N>;
};

const HANDLERS: Handlers = {
  status,
  health,
  nodes: (agent, { all = false }) => nodes(agent, all),
  forget: (agent, { node }) => forget(agent, node),
  leave,
  'rotate-key': async (agent) => ({ version: await agent.rotateKey() }),
  'key-list': (agent, { node }) => keyList(agent, node),
  resolve: (agent, { node }) => meant(everybody(agent), node),
  install,
  records: (agent, { after }) => records(agent, after),
  'operator-keys': operatorKeys,
  tokens,
  actions,
  explain: (agent, { sql }, signal) => agent.runner.explain(sql, { signal }),
  query,
};

export function controlHandler(agent: Controlled): ControlHandler {
  return async function* handle({ op, ...request }, signal) {
    const reply = await carryOut(agent, op, request as never, signal);
    if (!(typeof reply === 'object' && Symbol.asyncIterator in reply)) return reply;
    return yield* reply;
  };
}

function carryOut<N extends OperationName>(
  agent: Controlled,
  op: N,
  request: RequestOf<N>,
  signal: AbortSignal,
): Reply<N> {
  return HANDLERS[op](agent, request, signal);
}

function status(agent: Controlled): ResultOf<'status'> {
  const members = agent.members();
  return {
    name: agent.name,
    nodeId: agent.nodeId,
    version: VERSION,
    address: formatAddress(agent.node.address),
    pid: process.pid,
    startedAt: agent.startedAt,
    members: members.length,
    alive: members.filter((member) => member.state === 'alive').length,
    ...admissionStatus(agent),
    rssBytes: process.memoryUsage.rss(),
    books: agent.node.books(),
    hub: hubStatus(agent),
    history: agent.history.status,
  };
}

function hubStatus(agent: Controlled): ResultOf<'status'>['hub'] {
  if (agent.hubStatus === undefined) return null;
  return { ...agent.hubStatus, certificate: agent.node.hubProblem() ?? 'good' };
}

/** Which host a name means, and who could be taken for it. */
function meant(all: readonly MemberView[], wanted: string): ResultOf<'resolve'> {
  const { nodeId, name, state, addresses } = resolveAny(wanted, all);
  const looks = looksOf(name);
  const alike = all.filter((one) => one.nodeId !== nodeId && looksOf(one.name) === looks);
  return {
    nodeId,
    name,
    state,
    addresses: [...addresses],
    alike: alike.slice(0, 3).map((one) => one.name),
  };
}

function everybody(agent: Controlled): readonly MemberView[] {
  return [...agent.members(), ...agent.departed()];
}

/** The reply must be on its way before the socket goes. */
function leave(agent: Controlled): true {
  agent.markLeft();
  setImmediate(() => void agent.leave());
  return true;
}

/** Whether hosts may join now, and how many. */
function admissionStatus(agent: Controlled) {
  const { head, isBehind, isVoid, exposed, roll, tokens: all, operators } = agent.node.rolls();
  const now = Date.now() / 1000;
  const open = all.filter((token) => token.state === 'open' && token.notAfter >= now);
  const seats = open.reduce(
    (sum, { uses, seats: seen }) => sum + Math.max(0, uses - seen.length),
    0,
  );
  return {
    epoch: head?.number ?? 0,
    leftOut: isBehind,
    expelledWithoutRotation: exposed.length,
    operatorKeys: operatorKeysText(operators?.keys ?? [], isVoid),
    roll: roll.size,
    seats: all.reduce((sum, token) => sum + token.seats.length, 0),
    admission: open.length === 0 ? 'closed' : `open for ${seats} hosts by ${open.length} tokens`,
  };
}

function operatorKeysText(keys: readonly { readonly counts: boolean }[], isVoid: boolean): string {
  const count = keys.filter(({ counts }) => counts).length;
  const revoked = keys.length - count;
  const text = revoked === 0 ? String(count) : `${count}, ${revoked} revoked`;
  if (!isVoid) return text;
  return `${text}; one of those made the present epoch: run \`swarmplane secret rotate\``;
}

function nodes(agent: Controlled, all: boolean): ResultOf<'nodes'> {
  const { roll } = agent.node.rolls();
  const probes = new Map(agent.node.probes().map((probe) => [probe.nodeId, probe.verdict]));
  return (all ? everybody(agent) : agent.members()).map((member) => ({
    name: member.name,
    nodeId: member.nodeId,
    state: member.state,
    since: member.since,
    addresses: member.addresses,
    labels: member.labels,
    version: member.version,
    hub: member.hub,
    self: member.self,
    linked: member.linked,
    signKey: toHex(member.entry.signKey),
    probe: probes.get(member.nodeId) ?? null,
    tag: member.tag ?? null,
    onRoll: roll.has(prefixOfNode(member.nodeId)),
    admitted: member.admitted,
  }));
}

function actions(agent: Controlled): ResultOf<'actions'> {
  return {
    configured: agent.actions.configured.map(({ patterns, user, ...action }) => ({
      ...action,
      user: user ?? null,
      patterns: Object.fromEntries([...patterns].map(([name, { source }]) => [name, source])),
    })),
    history: agent.actions.history().slice(-HISTORY_MAX),
    allowed: agent.allowedActions(),
  };
}

const HISTORY_MAX = 100;

function keyList(agent: Controlled, wanted: string): ResultOf<'key-list'> {
  // A whole node id is enough for a host that has left: its list stays in the key book.
  const left = agent.node.keyList(wanted).entries.length > 0;
  const { nodeId, name: known } = left
    ? {
        nodeId: wanted,
        name: everybody(agent).find((one) => one.nodeId === wanted)?.name ?? wanted,
      }
    : resolveAny(wanted, everybody(agent));
  const { entries, fork } = agent.node.keyList(nodeId);
  return {
    nodeId,
    name: known,
    entries: entries.map(keyView),
    fork: fork?.entries.map((bytes) => keyView(parseKeyEntry(bytes))) ?? null,
  };
}

function keyView({ version, time, signKey, bytes }: KeyEntry) {
  return { version, time, signKey: toHex(signKey), hash: toHex(sha256(bytes)) };
}

function forget(agent: Controlled, name: string): ResultOf<'forget'> {
  const member = resolveAny(name, everybody(agent));
  if (member.self) {
    throw new AgentError(
      'invalid_request',
      `${JSON.stringify(name)} is this host itself`,
      'to take it out of the swarm run `swarmplane leave` on it',
    );
  }
  if (!agent.forget(member.nodeId) && member.state !== 'forgotten') throw cannotForget(member);
  return { name: member.name, nodeId: member.nodeId };
}

function cannotForget({ name, state }: MemberView): AgentError {
  if (state === 'expelled')
    return new AgentError('host_gone', `${JSON.stringify(name)} was expelled, which is for good`);
  return new AgentError(
    'still_there',
    `${JSON.stringify(name)} is ${state}: it would take part again at once`,
    state === 'suspect'
      ? 'within half a minute it is dead or alive: try again then'
      : 'run `swarmplane leave` on it, or put it out with `swarmplane secret rotate --expel`',
  );
}

/** Items: one per host as it answers, its rows still packed. The end: the account. */
async function* query(
  agent: Controlled,
  { sql, hosts, timeoutMs }: RequestOf<'query'>,
  signal: AbortSignal,
): AsyncGenerator<ItemOf<'query'>, ResultOf<'query'>> {
  const targets: Targets =
    hosts === undefined
      ? { kind: 'all' }
      : { kind: 'nodes', nodes: resolveHosts(hosts, everybody(agent)) };
  for await (const event of agent.ask({ sql, targets, timeoutMs, signal })) {
    if (event.kind === 'account') return event.account;
    const { outcome } = event.answer;
    const payload = event.answer instanceof PackedAnswer ? event.answer.payload : new Uint8Array();
    yield { outcome, payload };
  }
  throw new AgentError('control_failed', 'the query was withdrawn before its account was there');
}
