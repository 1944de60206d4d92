/** What the hub writes about a delivery, made from what the swarm said of the host. */
import type { HostAnswer, HostOutcome } from '../../agent/index.ts';
import { rowsToJson, toJson, uniqueNames } from '../database/json-text.ts';

/**
 * ok, failed, refused, cancelled are ends. `again`: try again while tries and time allow.
 * `away`: wait until the host is back. `later`: try again soon, no attempt burnt; `running` too,
 * because the host works on it.
 */
export type OutcomeState =
  'ok' | 'failed' | 'refused' | 'cancelled' | 'again' | 'away' | 'later' | 'running';

export interface Outcome {
  readonly id: string;
  readonly state: OutcomeState;
  readonly code?: string;
  /** JSON text as sql/35-complete.sql wants it, rows included. */
  readonly text: string;
}

export interface Details {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly ms?: number | undefined;
  readonly truncated?: boolean;
  readonly sensitive?: true;
  /** Hex. */
  readonly proof?: string;
}

/** An outcome without rows. */
export function plainOutcome(id: string, state: OutcomeState, details: Details = {}): Outcome {
  return {
    id,
    state,
    ...(details.code === undefined ? {} : { code: details.code }),
    text: toJson({ id, state, ...details }),
  };
}

/** What the hub knows of an answer beside it. */
export interface AnswerContext {
  /** The swarm has settled: away means away. */
  readonly certain: boolean;
  /** The rows are of sensitive tables. */
  readonly sensitive: boolean;
}

/** What one host's answer means for its delivery. */
export function outcomeOf(
  id: string,
  answer: HostAnswer,
  { certain, sensitive }: AnswerContext,
): Outcome {
  const said = answer.outcome;
  if (said.state !== 'ok') return outcomeWithoutRows(id, said, certain, hexOf(answer.proof));
  return outcomeWithRows(id, 'ok', answer, { ...detailsOf(said), ...(sensitive && { sensitive }) });
}

/** The rows of an answer with what they mean for its delivery. */
export function outcomeWithRows(
  id: string,
  state: 'ok' | 'failed',
  answer: HostAnswer,
  details: Details,
): Outcome {
  const rows = rowsToJson(answer.columns, answer.rows);
  const head = toJson({
    id,
    state,
    ...details,
    // As the rows name them.
    columns: uniqueNames(answer.columns),
    warnings: answer.warnings,
    proof: hexOf(answer.proof),
    altered: rows.altered,
  });
  return { id, state, text: `${head.slice(0, -1)},"rows":${rows.text}}` };
}

/** `proof` is empty where the host itself said nothing. */
export function outcomeWithoutRows(
  id: string,
  said: HostOutcome,
  certain: boolean,
  proof = '',
): Outcome {
  const state = meaning(said, certain);
  const details = detailsOf(said);
  return plainOutcome(id, state, {
    ...details,
    code: details.code ?? said.state,
    message: details.message ?? SENTENCES[said.state],
    ...(proof === '' ? {} : { proof }),
  });
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function meaning(said: HostOutcome, certain: boolean): OutcomeState {
  switch (said.state) {
    case 'ok':
      // An account that says ok of a host whose rows never came.
      return 'again';
    case 'error':
      return 'failed';
    case 'refused':
      if (said.code === 'running') return 'running';
      return isMomentary(said.code) ? 'again' : 'refused';
    case 'unreachable':
      // A host that no fresh key is known of may be here, with a clock that is off.
      return certain && said.code !== 'no_key' ? 'away' : 'later';
    case 'partial':
    case 'timeout':
    case 'expired':
      return 'again';
  }
}

/** A refusal that says nothing about the request: a moment later the host takes it. */
export function isMomentary(code: string | undefined): boolean {
  return ['busy', 'stale_key', 'running', 'restarted'].includes(code ?? '');
}

/** What the host said, as it is stored. */
export function detailsOf(said: HostOutcome): Details {
  return {
    code: said.code,
    message: said.message,
    ms: said.tookMs === undefined ? undefined : Math.min(Math.round(said.tookMs), 2 ** 31 - 1),
    truncated: said.truncated,
  };
}

const SENTENCES: Partial<Record<HostOutcome['state'], string>> = {
  ok: 'the answer got lost on its way',
  error: 'the host could not run it and gave no reason',
  refused: 'the host refused it and gave no reason',
  partial: 'the answer broke off before its end',
  timeout: 'the host is there but did not answer in time',
  unreachable: 'the host is away',
  expired: 'the answer came too late',
};
