/**
 * Asks the swarm: checks the SQL here, so that a mistake costs no network, then sends it. More
 * than 64 named hosts are asked in several requests whose accounts become one.
 */
import type { SwarmNode } from '../net/index.ts';
import type { Certificates } from './certificates.ts';
import type { QueryRunner } from '../query/index.ts';
import type { Account, RequestSpec, Targets } from '../swarm/index.ts';
import { encodeQueryBody, PackedAnswer } from './answer.ts';
import type { AskEvent, AskSpec, RequestEvent } from './types.ts';

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
  const request = {
    ...{ kind: 'query', body: encodeQueryBody(spec.sql) },
    ...{ targets: spec.targets, timeoutMs: spec.timeoutMs },
    ...(certificate && { certificate }),
  };
  for await (const event of requestAll(node, request, spec)) {
    if (event.kind === 'account') yield { kind: 'account', account: event.account };
    else
      yield { kind: 'answer', answer: new PackedAnswer(event.outcome, event.payload, event.proof) };
  }
}

/** A request to any number of hosts, of any kind. */
export async function* requestAll(
  node: SwarmNode,
  spec: RequestSpec,
  { signal, onAsked }: Pick<AskSpec, 'signal' | 'onAsked'>,
): AsyncGenerator<RequestEvent, void> {
  const streams = split(spec.targets).map((targets) => node.request({ ...spec, targets }, signal));
  onAsked?.(streams.map(({ id }) => id));
  const accounts: Account[] = [];
  for await (const event of merge(streams)) {
    if (event.kind === 'account') accounts.push(event.account);
    else yield event;
  }
  const account = joinAccounts(accounts);
  yield { kind: 'account', requestId: account.requestId, account };
}

function split(targets: Targets): Targets[] {
  if (targets.kind === 'all') return [targets];
  const parts: Targets[] = [];
  for (let at = 0; at < targets.nodes.length; at += NODES_PER_REQUEST) {
    parts.push({ kind: 'nodes', nodes: targets.nodes.slice(at, at + NODES_PER_REQUEST) });
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
