/** What each request on the control socket does. */
import { parseKeyEntry, sha256, type KeyEntry } from '../../secure/index.ts';
import type { Packable } from '../../wire/index.ts';
import type { Agent } from '../agent.ts';
import type { ControlHandler } from './control-server.ts';
import type { ControlRequest } from './control-protocol.ts';
import { formatAddress } from '../state/address.ts';
import { AgentError } from '../errors.ts';
import { PackedAnswer } from '../requests/answer.ts';
import { health } from './health.ts';
import { install, records, tokens } from './operator-records.ts';
import { resolveAny, resolveHosts } from '../requests/targets.ts';
import type { MemberView, Targets } from '../../swarm/index.ts';
import { prefixOfNode, toHex } from '../../wire/index.ts';
import { VERSION } from '../version.ts';

type Replies = AsyncGenerator<Packable, Packable | undefined>;

export function controlHandler(agent: Agent): ControlHandler {
  return async function* handle(request, signal): Replies {
    switch (request.op) {
      case 'status':
        return status(agent);
      case 'health':
        return health(agent);
      case 'nodes':
        return nodes(agent, request.all === true);
      case 'forget':
        return forget(agent, request.node);
      case 'leave':
        return leave(agent);
      case 'resolve':
        return { nodeId: resolveAny(text(request.node, 'node'), everybody(agent)).nodeId };
      case 'rotate-key':
        return { version: await agent.rotateKey() };
      case 'key-list':
        return keyList(agent, request.node);
      case 'install':
        return install(agent, request);
      case 'records':
        return records(agent, request.after);
      case 'tokens':
        return tokens(agent);
      case 'actions':
        return actions(agent);
      case 'explain':
        return (await agent.runner.explain(text(request.sql, 'sql'), {
          signal,
        })) as unknown as Packable;
      case 'query':
        return yield* query(agent, request, signal);
      default:
        throw new AgentError(
          'invalid_request',
          `this agent does not know ${JSON.stringify((request as { op?: unknown }).op)}`,
          'the agent and the command line may be of different versions: restart the agent',
        );
    }
  };
}

function status(agent: Agent): Packable {
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
    hub: agent.hubStatus ?? null,
    history: agent.history.status as unknown as Packable,
  };
}

function everybody(agent: Agent): readonly MemberView[] {
  return [...agent.members(), ...agent.departed()];
}

/** The reply must be on its way before the socket goes. */
async function leave(agent: Agent): Promise<Packable> {
  agent.markLeft();
  setImmediate(() => void agent.leave());
  return true;
}

/** Whether hosts may join now, and how many. */
function admissionStatus(agent: Agent) {
  const { head, isBehind, exposed, roll, tokens: all } = agent.node.rolls();
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
    roll: roll.size,
    seats: all.reduce((sum, token) => sum + token.seats.length, 0),
    admission: open.length === 0 ? 'closed' : `open for ${seats} hosts by ${open.length} tokens`,
  };
}

function nodes(agent: Agent, all: boolean): Packable {
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

function actions(agent: Agent): Packable {
  return {
    configured: agent.actions.configured.map(({ patterns, user, ...action }) => ({
      ...{ ...action, user: user ?? null },
      patterns: Object.fromEntries([...patterns].map(([name, { source }]) => [name, source])),
    })),
    history: agent.actions.history().slice(-HISTORY_MAX) as unknown as Packable,
    allowed: agent.allowedActions(),
  } as unknown as Packable;
}

const HISTORY_MAX = 100;

function keyList(agent: Agent, name: string): Packable {
  const wanted = text(name, 'node');
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
    ...{ nodeId, name: known, entries: entries.map(keyView) },
    fork: fork?.entries.map((bytes) => keyView(parseKeyEntry(bytes))) ?? null,
  };
}

function keyView({ version, time, signKey, bytes }: KeyEntry) {
  return { version, time, signKey: toHex(signKey), hash: toHex(sha256(bytes)) };
}

function forget(agent: Agent, name: string): Packable {
  const member = resolveAny(text(name, 'node'), everybody(agent));
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
  agent: Agent,
  request: Extract<ControlRequest, { op: 'query' }>,
  signal: AbortSignal,
): Replies {
  const targets: Targets =
    request.hosts === undefined
      ? { kind: 'all' }
      : { kind: 'nodes', nodes: resolveHosts(request.hosts, everybody(agent)) };
  if (!(request.timeoutMs >= 1 && request.timeoutMs <= TIMEOUT_MS_MAX)) {
    throw new AgentError(
      'invalid_request',
      `a timeout of ${request.timeoutMs} ms is not possible`,
      `choose 1 ms to ${TIMEOUT_MS_MAX / 60_000} minutes`,
    );
  }
  const sql = text(request.sql, 'sql');
  for await (const event of agent.ask({ sql, targets, timeoutMs: request.timeoutMs, signal })) {
    if (event.kind === 'account') return event.account as unknown as Packable;
    const { outcome } = event.answer;
    const payload = event.answer instanceof PackedAnswer ? event.answer.payload : new Uint8Array();
    yield { outcome, payload } as unknown as Packable;
  }
  return undefined;
}

/** Requests live at most this long (docs/protocol.md section 8). */
const TIMEOUT_MS_MAX = 10 * 60_000;

function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value;
  throw new AgentError('invalid_request', `${name} is missing`);
}
