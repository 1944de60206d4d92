/** What people answer to alerts from the command line (sql/16-alert-answer.sql). */
import { endPool, openPool } from '../database/database.ts';
import { HubError, messageOf } from '../errors.ts';
import { explained } from './feed.ts';

export type AlertAnswer =
  | { readonly say: 'acknowledge'; readonly id: string; readonly why: string }
  /** `until` is a time and `span` an interval, both as PostgreSQL reads them; one of them is given. */
  | {
      readonly say: 'mute';
      readonly id: string;
      readonly until?: string;
      readonly span?: string;
      readonly why: string;
    }
  | { readonly say: 'unmute'; readonly kind: string; readonly key: string };

/** @throws HubError `refused` with the database's hint, and as readAlerts */
export async function answerAlert(url: string, answer: AlertAnswer): Promise<void> {
  const pool = openPool(url, { max: 1, applicationName: 'swarmplane alerts' });
  try {
    await pool.query(...statementOf(answer));
  } catch (error) {
    throw refused(error) ?? explained(error, url);
  } finally {
    await endPool(pool);
  }
}

function statementOf(answer: AlertAnswer): [string, unknown[]] {
  switch (answer.say) {
    case 'acknowledge':
      return ['select swarmplane.acknowledge($1, $2)', [answer.id, answer.why]];
    case 'mute': {
      const until = 'coalesce($2::timestamptz, now() + $3::interval)';
      const { id, until: at, span, why } = answer;
      return [`select swarmplane.mute($1, ${until}, $4)`, [id, at ?? null, span ?? null, why]];
    }
    case 'unmute':
      return ['select swarmplane.unmute($1, $2)', [answer.kind, answer.key]];
  }
}

/** What our own functions, and PostgreSQL of a text that is no time, say. */
function refused(error: unknown): HubError | undefined {
  const { code = '', hint } = error as { code?: string; hint?: string };
  const isOurs = hint !== undefined && code !== '42501' && /^(P0|22)/.test(code);
  if (!isOurs && !code.startsWith('22')) return undefined;
  return new HubError('refused', messageOf(error), {
    cause: error,
    hint: hint ?? 'write a time as "2026-12-01 08:00", an interval as "2 hours", an id as a number',
  });
}
