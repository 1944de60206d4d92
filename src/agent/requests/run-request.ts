/** Carries out a request that came over the swarm: prepared and confined again here, whoever sent it. */
import { QueryError, type QueryResult, type QueryRunner } from '../../query/index.ts';
import { permits, SecureError } from '../../secure/index.ts';
import type { IncomingRequest, RunOutcome } from '../../swarm/index.ts';
import { decodeQueryBody, encodeAnswer } from '../answer.ts';
import type { Certificates } from '../operator/certificates.ts';
import { ANSWER_BYTES_MAX } from '../../wire/index.ts';
import type { History } from '../history/history.ts';

/** Never throws: what goes wrong is the outcome. */
export async function runRequest(
  runner: QueryRunner,
  certificates: Certificates,
  history: History,
  request: IncomingRequest,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const startedAt = performance.now();
  const took = () => Math.round(performance.now() - startedAt);
  try {
    if (request.kind === CERTIFICATE_KIND) {
      await certificates.install(request.body);
      return done(took());
    }
    if (request.kind === 'track') return done(took(), await history.track(request));
    if (request.kind === 'fetch') {
      const { payload, takings } = await history.fetch(request);
      return done(took(), payload, takings);
    }
    if (request.kind !== 'query') {
      return ended(
        'refused',
        'unknown_kind',
        `this node does not know requests of kind ${JSON.stringify(request.kind)}`,
        took(),
      );
    }
    const { sql } = decodeQueryBody(request.body);
    const result = await runQuery(runner, certificates, { request, sql, signal });
    return await okOutcome(result, took());
  } catch (error) {
    if (error instanceof SecureError) return ended('refused', 'authority', error.message, took());
    if (error instanceof QueryError) {
      return ended(error.refused ? 'refused' : 'error', error.code, error.message, took());
    }
    return ended('error', 'failed', (error as Error).message, took());
  }
}

/** Kind of the request that hands a certificate over to the host it is for. */
export const CERTIFICATE_KIND = 'certificate';

/** The query process refuses sensitive tables by itself; permission is looked for only then. */
async function runQuery(
  runner: QueryRunner,
  certificates: Certificates,
  { request, sql, signal }: { request: IncomingRequest; sql: string; signal: AbortSignal },
): Promise<QueryResult> {
  const startedAt = performance.now();
  const options = () => ({
    asker: request.origin,
    msPerMinute: MS_PER_MINUTE[request.share],
    signal,
    ...timesOf(request, startedAt),
  });
  try {
    return await runner.run(sql, options());
  } catch (error) {
    if (!(error instanceof QueryError) || error.code !== 'not_authorized') throw error;
    const { sensitive } = await runner.prepare(sql, options());
    if (sensitive.length === 0) throw error;
    requireCertificate(certificates, request, sensitive);
  }
  return runner.run(sql, { ...options(), allowSensitive: true });
}

/** A query that waits in vain says so before the request's time is over, which says nothing of why. */
function timesOf(request: IncomingRequest, startedAt: number): { timeMs: number; waitMs: number } {
  const timeMs = Math.max(1, request.remainingMs - (performance.now() - startedAt));
  return { timeMs, waitMs: Math.round(timeMs - Math.min(SAYING_MS, timeMs / 10)) };
}

const SAYING_MS = 250;
/** How long queries may hold a process here, by whose they are. */
const MS_PER_MINUTE = { own: undefined, hub: 100_000, member: 20_000 } as const;

/**
 * Default deny: the origin must show a certificate that names each sensitive table. A request shows
 * one, so what is refused has to be granted together; `keep` adds what the one that is shown names.
 * @throws SecureError `bad_certificate` with what is missing
 */
export function requireCertificate(
  certificates: Certificates,
  request: IncomingRequest,
  sensitive: readonly string[],
  keep = false,
): void {
  const names = sensitive.map((table) => `"${table}"`).join(' and ');
  const grant = (tables: readonly string[]): string =>
    `\`swarmplane operator grant ${request.originName} --role reader-of-sensitive --tables ${tables.join(',')}\``;
  if (request.certificate === undefined) {
    throw new SecureError(
      'bad_certificate',
      `${names} may only be read with a role certificate, and ${request.originName} showed none: ${grant(sensitive)}`,
    );
  }
  const certificate = certificates.check(request.certificate, request.origin);
  const denied = sensitive.find((table) => !permits(certificate, { table }));
  if (denied === undefined) return;
  const wanted = keep ? [...new Set([...certificate.tables, ...sensitive])] : sensitive;
  throw new SecureError(
    'bad_certificate',
    `certificate ${certificate.serial} of ${request.originName} does not name the table "${denied}": ${grant(wanted)}`,
  );
}

function done(tookMs: number, payload: Uint8Array = new Uint8Array(), rowCount = 0): RunOutcome {
  return { status: 'ok', rowCount, truncated: false, tookMs, payload };
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
