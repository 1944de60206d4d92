/** The functions of backups by the clock in the database (sql/53-backup.sql), typed. Nothing here retries. */
import type pg from 'pg';
import type { Asker } from '../../agent/index.ts';
import { toJson } from '../database/json-text.ts';

/** `backup` of config.yaml. */
export interface BackupPlan {
  readonly everyMs: number;
  /** An absolute path. */
  readonly folder: string;
  /** How many good ones of its own it keeps. */
  readonly keep: number;
  /** Each is restored into a server of its own before it counts. */
  readonly verify: boolean;
}

export type BackupOutcome =
  | {
      /** Name in the folder. */
      readonly file: string;
      readonly bytes: number;
      readonly rows: number;
      readonly verified: boolean;
    }
  | { readonly trouble: string };

export interface OldBackup {
  readonly id: string;
  readonly file: string;
}

/** Every method rejects with the error of pg. */
export class BackupStore {
  readonly #pool: pg.Pool;
  readonly #hub: Pick<Asker, 'nodeId' | 'name'>;

  constructor(pool: pg.Pool, hub: Pick<Asker, 'nodeId' | 'name'>) {
    this.#pool = pool;
    this.#hub = hub;
  }

  /** `id` undefined: none is due, or another hub is at it; look again after `waitMs`. */
  async begin(
    plan: BackupPlan,
    leaseMs: number,
  ): Promise<{ id: string | undefined; waitMs: number }> {
    const { everyMs, folder, keep, verify } = plan;
    const { nodeId, name } = this.#hub;
    const { rows } = await this.#pool.query<{ id: string | null; wait: number }>(
      `select id::text, wait from swarmplane.begin_backup($1, $2, $3 * interval '1 millisecond', $4, $5, $6,
                                                          $7 * interval '1 millisecond')`,
      [nodeId, name, everyMs, folder, keep, verify, leaseMs],
    );
    return { id: rows[0]!.id ?? undefined, waitMs: rows[0]!.wait };
  }

  async renew(id: string, leaseMs: number): Promise<void> {
    const sql = `select swarmplane.renew_backup($1, $2 * interval '1 millisecond')`;
    await this.#pool.query(sql, [id, leaseMs]);
  }

  /** What there is too much now, oldest first. */
  async end(id: string, outcome: BackupOutcome): Promise<OldBackup[]> {
    const { rows } = await this.#pool.query<OldBackup>(
      'select old_id::text as id, old_file as file from swarmplane.end_backup($1, $2::jsonb)',
      [id, toJson(outcome)],
    );
    return rows;
  }

  async noteRemoved(id: string): Promise<void> {
    await this.#pool.query('select swarmplane.note_removed_backup($1)', [id]);
  }

  /** When one of this database was verified last, and what is wrong since, in words. */
  async words(): Promise<string> {
    const { rows } = await this.#pool.query<{
      verified: Date | null;
      place: string;
      trouble: string | null;
    }>(
      `select (select max(ended_at) from swarmplane.backup where verified) as verified,
              (select format('%s/%s at hub %s', folder, file, name) from swarmplane.backup
                where verified order by ended_at desc limit 1) as place,
              (select trouble from swarmplane.backup where ended_at is not null order by id desc limit 1) as trouble`,
    );
    const { verified, place, trouble } = rows[0]!;
    const last =
      verified === null ? 'none verified yet' : `last verified ${verified.toISOString()}: ${place}`;
    return trouble === null ? last : `${last}; the newest failed: ${trouble}`;
  }

  async forgetPlan(): Promise<void> {
    await this.#pool.query('select swarmplane.forget_backup_plan($1)', [this.#hub.nodeId]);
  }
}
