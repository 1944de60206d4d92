/** One question to the agent of this host, with all answers in hand. */
import { control, PackedAnswer, type Account, type ItemOf } from '../agent/client.ts';
import type { Value } from '../tables/index.ts';

/** One host's rows, with `host` in front of each. */
export interface Answer {
  readonly host: string;
  readonly nodeId: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Value[])[];
  readonly warnings: readonly string[];
}

export interface Question {
  readonly sql: string;
  readonly timeoutMs: number;
  readonly hosts?: readonly string[];
}

/** Hands over each answer as it comes; resolves with the account. @throws AgentError */
export async function askAgent(
  socketPath: string,
  question: Question,
  onAnswer: (answer: Answer) => void,
): Promise<Account> {
  const replies = control(socketPath, { op: 'query', ...question });
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
