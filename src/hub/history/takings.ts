/** Takings of a host as the JSON that swarmplane.ingest takes (sql/68-ingest.sql). */
import type { Ack, Taking } from '../../agent/index.ts';
import { shapeHash } from '../../tables/canonical.ts';
import type { Shape } from '../../tables/types.ts';
import { toJson, valuesToJson } from '../database/json-text.ts';

/**
 * Takings in the order in which the host handed them over. `wholeAsked` are tables without an ack, `known` what
 * had been committed when the host was asked.
 */
export function batchText(
  takings: readonly Taking[],
  wholeAsked: readonly string[],
  known: readonly Ack[],
): string {
  const shapes = new Map<string, object>();
  for (const { table, layout } of takings) {
    if (layout === undefined) continue;
    const hash = hex(shapeHash(layout));
    shapes.set(`${table} ${hash}`, { table, hash, ...plainShape(layout) });
  }
  const lines = Object.fromEntries(known.map(({ table, line }) => [table, hex(line)]));
  const head = toJson({ shapes: [...shapes.values()], full_asked: wholeAsked, lines });
  return `${head.slice(0, -1)},"takings":[${takings.map(takingText).join(',')}]}`;
}

/** False for what can be no taking of a sane host: a time beyond year 9999, a number beyond 2^53. */
export function isStorable({ at, sequence, kind, reason, dropped }: Taking): boolean {
  const signedMore = kind !== 'gap' && (reason !== undefined || dropped !== undefined);
  const numbers = [sequence, dropped?.from ?? 1, dropped?.to ?? 1];
  return at <= TIME_MAX && !signedMore && numbers.every((n) => Number.isSafeInteger(n) && n > 0);
}

const TIME_MAX = Date.UTC(9999, 0);

function takingText(taking: Taking): string {
  const { table, line, sequence, at, kind, base, hash, keyVersion, signature } = taking;
  const head = toJson({
    table,
    line: hex(line),
    sequence,
    at,
    kind,
    key_version: keyVersion,
    signature: hex(signature),
    shape: hex(taking.shape),
    ...(base.length > 0 && { base: hex(base) }),
    ...(hash.length > 0 && { hash: hex(hash) }),
    ...(kind === 'gap' && gapFields(taking)),
    removed: taking.removed.map(({ row }) => hex(row)),
  });
  const added = taking.added.map(({ values }) => valuesToJson(values));
  return `${head.slice(0, -1)},"added":[${added.join(',')}]}`;
}

function gapFields({ reason, dropped }: Taking): object {
  return {
    reason_code: reason?.code,
    reason: reason?.message,
    dropped_from: dropped?.from,
    dropped_to: dropped?.to,
  };
}

function plainShape({ columns, key, query }: Shape): object {
  return { columns: columns.map(({ name, type }) => ({ name, type })), key, query };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
