/**
 * Asks the swarm: checks the SQL here, so that a mistake costs no network, then sends it. More
 * than 64 named hosts are asked in several requests whose accounts become one.
 */
import type { SwarmNode } from '../net/index.ts';
import type { Certificates } from './certificates.ts';
import type { QueryRunner } from '../query/index.ts';
import type { Account, CoreEvent, Targets } from '../swarm/index.ts';
import { encodeQueryBody, PackedAnswer } from './answer.ts';
import type { AskEvent, AskSpec } from './types.ts';

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
  const streams = split(spec.targets).map((targets) =>
    node.request(
      {
        ...{ kind: 'query', body, targets, timeoutMs: spec.timeoutMs },
        ...(certificate && { certificate }),
      },
      spec.signal,
    ),
  );
  spec.onAsked?.(streams.map(({ id }) => id));
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
