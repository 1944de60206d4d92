/** What a host's answer to a command means: its row says how the action ended. */
import type { HostAnswer } from '../../agent/index.ts';
import type { Value } from '../../tables/types.ts';
import { detailsOf, outcomeWithoutRows, outcomeWithRows, plainOutcome } from './outcome.ts';
import type { AnswerContext, Outcome } from './outcome.ts';

/** ok is exit code 0. Everything else failed for good, with its row: it is never started again. */
export function actionOutcomeOf(
  id: string,
  answer: HostAnswer,
  { certain }: AnswerContext,
): Outcome {
  const said = answer.outcome;
  if (said.state !== 'ok') return outcomeWithoutRows(id, said, certain);
  const values = answer.rows[0];
  if (answer.rows.length !== 1 || !answer.columns.includes('ended')) {
    const message = answer.warnings[0] ?? 'the host gave no row about the action';
    return plainOutcome(id, 'failed', { ...detailsOf(said), code: 'bad_answer', message });
  }
  const row = Object.fromEntries(
    answer.columns.map((column, at) => [column, values?.[at] ?? null]),
  );
  if (row['ended'] === 'exit' && Number(row['exit_code']) === 0)
    return outcomeWithRows(id, 'ok', answer, detailsOf(said));
  const details = { ...detailsOf(said), code: String(row['ended']), message: sentence(row) };
  return outcomeWithRows(id, 'failed', answer, details);
}

function sentence(row: Readonly<Record<string, Value>>): string {
  const why = reason(row);
  const said = lastLine(row['stderr']) ?? lastLine(row['stdout']);
  return said === undefined ? why : `${why}: ${said}`;
}

function reason({
  ended,
  exit_code: code,
  signal,
  error,
}: Readonly<Record<string, Value>>): string {
  switch (ended) {
    case 'exit':
      return `exit code ${String(code)}`;
    case 'signal':
      return `killed by ${String(signal)}`;
    case 'time_limit':
      return 'killed at the time limit that the host sets';
    default:
      return error === null ? String(ended) : `${String(ended)}: ${String(error)}`;
  }
}

/** The end of what a program says is most often why it failed. */
function lastLine(text: Value | undefined): string | undefined {
  if (typeof text !== 'string') return undefined;
  return text.trimEnd().split('\n').at(-1)?.slice(0, 200) || undefined;
}
