/** One question to the agent behind a control socket, its answers unpacked. */
import type { Account } from '../../swarm/index.ts';
import type { Value } from '../../tables/types.ts';
import { PackedAnswer } from '../answer.ts';
import { control } from './control-protocol.ts';
import type { ItemOf } from './operations.ts';

/** What one host said, whether it has rows or not; `host` stands in front of each row. */
export interface Answer {
  readonly host: string;
  readonly nodeId: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly warnings: readonly string[];
}

export interface Question {
  readonly sql: string;
  /** 1 to 600,000. */
  readonly timeoutMs: number;
  /** Names or node ids; all hosts where there are none. */
  readonly hosts?: readonly string[];
}

/**
 * Hands over each answer as it comes; resolves with the account, which names every host that was
 * asked and how it ended. Aborting withdraws the question.
 * @throws AgentError `not_running`, or what the agent answered
 */
export async function askAgent(
  socketPath: string,
  question: Question,
  onAnswer: (answer: Answer) => void,
  signal?: AbortSignal,
): Promise<Account> {
  const replies = control(socketPath, { op: 'query', ...question }, signal);
  for (;;) {
    const next = await replies.next();
    if (next.done === true) return next.value;
    onAnswer(decode(next.value));
  }
}

function decode({ outcome, payload }: ItemOf<'query'>): Answer {
  const answer = new PackedAnswer(outcome, payload, new Uint8Array());
  return {
    host: outcome.name,
    nodeId: outcome.nodeId,
    columns: ['host', ...answer.columns],
    rows: answer.rows.map((row) => [outcome.name, ...row]),
    warnings: answer.warnings,
  };
}
