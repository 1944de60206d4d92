/** Running files of SQL in transactions that others may be in the way of. */
import type pg from 'pg';
import { HubError, codeOf, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';

export interface Run {
  readonly client: pg.PoolClient;
  readonly log: Log;
  readonly lockTimeoutMs: number;
  readonly release: string;
}

/** One file inside the open transaction; an error names the file and the line. */
export async function runFile(client: pg.ClientBase, name: string, text: string): Promise<void> {
  const before = await currentTransaction(client);
  try {
    await client.query(text);
  } catch (error) {
    if (mayPass(error)) throw error;
    throw explain(name, text, error);
  }
  if ((await currentTransaction(client)) !== before)
    throw new HubError('bad_migration', `${name} ends the transaction it runs in`, {
      hint: 'take begin, commit and rollback out of the file',
    });
}

async function currentTransaction(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id');
  return rows[0]!.id;
}

function explain(name: string, text: string, error: unknown): HubError {
  const position = Number((error as { position?: string }).position ?? 0);
  const line = position > 0 ? `:${text.slice(0, position).split('\n').length}` : '';
  const says = `${name}${line}: ${messageOf(error)}`;
  if (codeOf(error) === '42501') return missingPrivilege(says, error);
  return new HubError('migration_failed', says, { cause: error });
}

export function missingPrivilege(message: string, cause: unknown): HubError {
  return new HubError('missing_privilege', message, {
    cause,
    hint: 'the migrating user needs CREATEROLE and create on the database: alter role NAME createrole; grant create on database NAME to NAME',
  });
}

const ATTEMPTS_MAX = 20;

/** Tries again what failed only because others were in the way. */
export async function retried<T>(run: Run, what: string, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error)) throw error;
      if (attempt === ATTEMPTS_MAX)
        throw new HubError(
          'migration_blocked',
          `${what}: ${messageOf(error)} (${attempt} attempts)`,
          {
            cause: error,
            hint: 'another session holds a lock: look at pg_stat_activity for an old transaction',
          },
        );
      run.log.warn(
        { what, attempt, error: messageOf(error) },
        'in the way of others, trying again',
      );
      await new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 400));
    }
  }
}

/** Lock timeout, deadlock, serialization, and roles made or granted in two databases at once. */
function mayPass(error: unknown): boolean {
  const code = codeOf(error);
  if (['55P03', '40P01', '40001'].includes(code)) return true;
  if (code === 'XX000') return messageOf(error).includes('tuple concurrently');
  return code === '23505' && /^pg_/.test((error as { table?: string }).table ?? '');
}

export async function transaction<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('begin');
  try {
    const result = await work();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => undefined);
    throw error;
  }
}
