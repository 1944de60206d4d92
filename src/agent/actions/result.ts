/** The one row that an action gives, as hubs store it, and refusals. */
import type { RunOutcome } from '../../swarm/index.ts';
import { encodeAnswer } from '../answer.ts';
import { ANSWER_BYTES_MAX } from '../../wire/index.ts';
import type { ActionOutcome } from './types.ts';

const COLUMNS = [
  ...['exit_code', 'signal', 'stdout', 'stderr', 'stdout_bytes', 'stderr_bytes', 'truncated'],
  ...['took_ms', 'ended', 'error'],
];

/** `ok` says that there is a row: whether the action went well is in it. */
export async function rowOutcome(it: ActionOutcome, tookMs: number): Promise<RunOutcome> {
  const row = [
    ...[it.exitCode, it.signal, it.stdout, it.stderr, it.stdoutBytes, it.stderrBytes],
    ...[it.truncated ? 1 : 0, it.tookMs, it.ended, it.error],
  ];
  const answer = await encodeAnswer(
    { columns: COLUMNS, rows: [row], warnings: [] },
    ANSWER_BYTES_MAX,
  );
  return { status: 'ok', ...answer, truncated: answer.truncated || it.truncated, tookMs };
}

export function refusedOutcome(code: string, message: string, tookMs: number): RunOutcome {
  const payload = new Uint8Array();
  return { status: 'refused', code, message, rowCount: 0, truncated: false, tookMs, payload };
}
