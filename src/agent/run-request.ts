/** Carries out a request that came over the swarm: prepared and confined again here, whoever sent it. */
import { QueryError, type QueryResult, type QueryRunner } from '../query/index.ts';
import type { IncomingRequest, RunOutcome } from '../swarm/index.ts';
import { decodeQueryBody, encodeAnswer } from './answer.ts';
import { ANSWER_BYTES_MAX } from './config.ts';

/** Never throws: what goes wrong is the outcome. */
export async function runRequest(
  runner: QueryRunner,
  request: IncomingRequest,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const startedAt = performance.now();
  const took = () => Math.round(performance.now() - startedAt);
  try {
    if (request.kind !== 'query') {
      return ended(
        'refused',
        'unknown_kind',
        `this node does not know requests of kind ${JSON.stringify(request.kind)}`,
        took(),
      );
    }
    const { sql } = decodeQueryBody(request.body);
    const result = await runner.run(sql, { timeMs: request.remainingMs, signal });
    return await okOutcome(result, took());
  } catch (error) {
    if (error instanceof QueryError) {
      return ended(error.refused ? 'refused' : 'error', error.code, error.message, took());
    }
    return ended('error', 'failed', (error as Error).message, took());
  }
}

async function okOutcome(result: QueryResult, tookMs: number): Promise<RunOutcome> {
  const { payload, rowCount, truncated } = await encodeAnswer(result, ANSWER_BYTES_MAX);
  return { status: 'ok', rowCount, truncated: truncated || result.truncated, tookMs, payload };
}

function ended(
  status: 'error' | 'refused',
  code: string,
  message: string,
  tookMs: number,
): RunOutcome {
  return {
    status,
    code,
    message,
    rowCount: 0,
    truncated: false,
    tookMs,
    payload: new Uint8Array(),
  };
}
