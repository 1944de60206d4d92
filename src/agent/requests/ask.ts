/**
 * Asks the swarm: checks the SQL here, so that a mistake costs no network, then sends it. More
 * than 64 named hosts are asked in several requests whose accounts become one.
 */
import type { SwarmNode } from '../../net/index.ts';
import type { Certificates } from '../operator/certificates.ts';
import { QueryError, type PreparedInfo, type QueryRunner } from '../../query/index.ts';
import type { Account, RequestSpec } from '../../swarm/index.ts';
import { encodeQueryBody, PackedAnswer } from '../answer.ts';
import { ACTION_KIND, encodeCommand } from '../actions/command.ts';
import { AgentError } from '../errors.ts';
import type { AskEvent, AskSpec, CommandSpec, RequestEvent } from '../types.ts';

/** docs/protocol.md section 8. */
const NODES_PER_REQUEST = 64;

/**
 * What preparing takes is part of `timeoutMs`.
 * @throws QueryError before anything was sent
 */
export async function* ask(
  runner: QueryRunner,
  node: SwarmNode,
  certificates: Certificates,
  spec: AskSpec,
): AsyncGenerator<AskEvent, void> {
  const startedAt = performance.now();
  const { sensitive } = await prepare(runner, spec);
  const timeoutMs = Math.floor(spec.timeoutMs - (performance.now() - startedAt));
  if (timeoutMs < 1) throw noTimeLeft(spec);
  if (sensitive.length > 0) spec.onSensitive?.(sensitive);
  const certificate = certificates.forTables(sensitive);
  const request = {
    kind: 'query',
    body: encodeQueryBody(spec.sql),
    targets: spec.targets,
    timeoutMs,
    ...(certificate && { certificate }),
  };
  yield* answersOf(requestAll(node, request, spec));
}

/** Behind nobody's queries, and no longer than the asker wants to wait for everything. */
async function prepare(runner: QueryRunner, spec: AskSpec): Promise<PreparedInfo> {
  const { timeoutMs, signal } = spec;
  try {
    return await runner.prepare(spec.sql, {
      waitMs: timeoutMs,
      timeMs: timeoutMs,
      ...(signal && { signal }),
    });
  } catch (error) {
    if (!(error instanceof QueryError) || !LATE.has(error.code)) throw error;
    throw new QueryError(error.code, `no host was asked: ${error.message}`, { cause: error });
  }
}

const LATE: ReadonlySet<string> = new Set(['busy', 'time_limit', 'memory_limit', 'failed']);

function noTimeLeft({ timeoutMs }: AskSpec): QueryError {
  return new QueryError(
    'time_limit',
    `no host was asked: preparing the query here took its whole ${timeoutMs} ms; give it more time`,
  );
}

/** @throws AgentError `not_commander` before anything was sent */
export async function* command(
  node: SwarmNode,
  certificates: Certificates,
  { ids, timeoutMs, signal, onAsked, ...content }: CommandSpec,
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
  yield* answersOf(
    sendAll(node, requests, { ...(signal && { signal }), ...(onAsked && { onAsked }) }),
  );
}

type Watch = Pick<AskSpec, 'signal' | 'onAsked'>;

/** A request to any number of hosts, of any kind. */
export function requestAll(
  node: SwarmNode,
  spec: RequestSpec,
  watch: Watch,
): AsyncGenerator<RequestEvent, void> {
  const { targets } = spec;
  if (targets.kind === 'all') return sendAll(node, [spec], watch);
  const parts = slices(targets.nodes).map((nodes) => ({ kind: 'nodes', nodes }) as const);
  return sendAll(
    node,
    parts.map((part) => ({ ...spec, targets: part })),
    watch,
  );
}

/** Several requests whose accounts become one. */
async function* sendAll(
  node: SwarmNode,
  requests: readonly RequestSpec[],
  { signal, onAsked }: Watch,
): AsyncGenerator<RequestEvent, void> {
  const streams = requests.map((request) => node.request(request, signal));
  onAsked?.(streams.map(({ id }) => id));
  const accounts: Account[] = [];
  for await (const event of streams.length === 1 ? streams[0]! : merge(streams)) {
    if (event.kind === 'account') accounts.push(event.account);
    else yield event;
  }
  const account = joinAccounts(accounts);
  yield { kind: 'account', requestId: account.requestId, account };
}

async function* answersOf(events: AsyncIterable<RequestEvent>): AsyncGenerator<AskEvent, void> {
  for await (const event of events) {
    if (event.kind === 'account') yield { kind: 'account', account: event.account };
    else
      yield { kind: 'answer', answer: new PackedAnswer(event.outcome, event.payload, event.proof) };
  }
}

function slices(nodes: readonly string[]): string[][] {
  const parts: string[][] = [];
  for (let at = 0; at < nodes.length; at += NODES_PER_REQUEST) {
    parts.push(nodes.slice(at, at + NODES_PER_REQUEST));
  }
  return parts;
}

function joinAccounts(accounts: readonly Account[]): Account {
  return {
    requestId: accounts[0]?.requestId ?? '',
    hosts: accounts.flatMap((account) => account.hosts),
    unexpected: accounts.flatMap((account) => account.unexpected),
  };
}

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
