/**
 * Asks the swarm: checks the SQL here, so that a mistake costs no network, then sends it. More
 * than 64 named hosts are asked in several requests whose accounts become one.
 */
import type { SwarmNode } from '../net/index.ts';
import type { Certificates } from './certificates.ts';
import type { QueryRunner } from '../query/index.ts';
import type { Account, CoreEvent, RequestSpec, Targets } from '../swarm/index.ts';
import { encodeQueryBody, PackedAnswer } from './answer.ts';
import { ACTION_KIND, encodeCommand } from './actions/command.ts';
import { AgentError } from './errors.ts';
import type { AskEvent, AskSpec, CommandSpec } from './types.ts';

/** docs/protocol.md section 8. */
const NODES_PER_REQUEST = 64;

/** @throws QueryError before anything was sent */
export async function* ask(
  runner: QueryRunner,
  node: SwarmNode,
  certificates: Certificates,
  spec: AskSpec,
): AsyncGenerator<AskEvent, void> {
  const { sensitive } = await runner.prepare(spec.sql);
  const certificate = certificates.forTables(sensitive);
  const body = encodeQueryBody(spec.sql);
  const requests = split(spec.targets).map((targets) => ({
    ...{ kind: 'query', body, targets, timeoutMs: spec.timeoutMs },
    ...(certificate && { certificate }),
  }));
  yield* askAll(node, requests, spec.signal);
}

/** @throws AgentError `not_commander` before anything was sent */
export async function* command(
  node: SwarmNode,
  certificates: Certificates,
  { ids, timeoutMs, signal, ...content }: CommandSpec,
): AsyncGenerator<AskEvent, void> {
  const certificate = certificates.forAction(content.action);
  if (certificate === undefined) {
    throw new AgentError(
      'not_commander',
      `no certificate of this host allows the action "${content.action}"`,
      `swarmplane operator grant THIS-HOST --role commander --actions ${content.action}`,
    );
  }
  const requests = slices([...ids.keys()]).map((nodes) => {
    const own = new Map(nodes.map((nodeId) => [nodeId, ids.get(nodeId)!]));
    const body = encodeCommand({ ...content, ids: own });
    const targets = { kind: 'nodes', nodes } as const;
    return { kind: ACTION_KIND, body, targets, timeoutMs, certificate };
  });
  yield* askAll(node, requests, signal);
}

async function* askAll(
  node: SwarmNode,
  requests: readonly RequestSpec[],
  signal: AbortSignal | undefined,
): AsyncGenerator<AskEvent, void> {
  const streams = requests.map((request) => node.request(request, signal));
  const accounts: Account[] = [];
  for await (const event of merge(streams)) {
    if (event.kind === 'account') accounts.push(event.account);
    else
      yield { kind: 'answer', answer: new PackedAnswer(event.outcome, event.payload, event.proof) };
  }
  yield { kind: 'account', account: joinAccounts(accounts) };
}

function split(targets: Targets): Targets[] {
  if (targets.kind === 'all') return [targets];
  return slices(targets.nodes).map((nodes) => ({ kind: 'nodes', nodes }));
}

function slices(nodes: readonly string[]): string[][] {
  const count = Math.ceil(nodes.length / NODES_PER_REQUEST);
  return Array.from({ length: count }, (_, i) =>
    nodes.slice(i * NODES_PER_REQUEST, (i + 1) * NODES_PER_REQUEST),
  );
}

function joinAccounts(accounts: readonly Account[]): Account {
  return {
    requestId: accounts[0]?.requestId ?? '',
    hosts: accounts.flatMap((account) => account.hosts),
    unexpected: accounts.flatMap((account) => account.unexpected),
  };
}

type RequestEvent = Extract<CoreEvent, { kind: 'answer' | 'account' }>;

/** Events of several streams in the order in which they come. */
async function* merge(
  streams: readonly AsyncIterable<RequestEvent>[],
): AsyncGenerator<RequestEvent> {
  const iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
  const pending = new Map<number, Promise<{ index: number; next: IteratorResult<RequestEvent> }>>();
  const pull = (index: number) =>
    pending.set(
      index,
      iterators[index]!.next().then((next) => ({ index, next })),
    );
  for (const index of iterators.keys()) pull(index);
  try {
    while (pending.size > 0) {
      const { index, next } = await Promise.race(pending.values());
      pending.delete(index);
      if (next.done === true) continue;
      pull(index);
      yield next.value;
    }
  } finally {
    await Promise.allSettled(iterators.map((iterator) => iterator.return?.()));
  }
}
