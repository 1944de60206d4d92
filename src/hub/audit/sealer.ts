/**
 * Seals the audit in the background: batches of rows go into a chain, this node signs its end, the
 * nodes of the swarm remember it (docs/protocol.md section 10). Of several hubs one seals at a time.
 */
import type pg from 'pg';
import type { Seals } from '../../agent/index.ts';
import { sealHash } from './seal.ts';
import { HubError, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { mayPass } from '../database/outage.ts';
import { RETRY_MS_MAX, type Parts } from '../parts.ts';
import type { AlertStore } from '../alerts/alert-store.ts';
import { SEAL_COLUMNS, storedSeal, type StoredSeal } from './seal-rows.ts';
import { WakeLoop } from '../wake-loop.ts';

export interface SealerOptions {
  readonly pool: pg.Pool;
  readonly alerts: AlertStore;
  readonly log: Log;
  readonly nodeId: string;
  readonly seals: Seals;
  /** How often rows that wait are sealed. */
  readonly sealMs: number;
  /** How often old partitions are looked for. */
  readonly retentionMs: number;
  readonly parts: Pick<Parts, 'sealing' | 'retention'>;
}

export class Sealer {
  readonly #options: SealerOptions;
  readonly #sealing: WakeLoop;
  readonly #retention: WakeLoop;
  /** One seal at a time: both loops make them. */
  #last: Promise<unknown> = Promise.resolve();
  #began = false;

  constructor(options: SealerOptions) {
    this.#options = options;
    const { parts, sealMs, retentionMs } = options;
    this.#sealing = new WakeLoop({
      work: () => this.#work(),
      failed: (error) => this.#failed(error, 'could not seal the audit, trying again'),
      retryMs: sealMs,
      pulse: parts.sealing,
    });
    this.#retention = new WakeLoop({
      work: () => this.#retain(),
      failed: (error) => this.#failed(error, 'could not drop what is old, trying again'),
      retryMs: Math.min(retentionMs, RETRY_MS_MAX),
      pulse: parts.retention,
    });
  }

  start(): void {
    this.wake();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#sealing.stop(), this.#retention.stop()]);
  }

  /** Seals what waits. */
  wake(): void {
    this.#sealing.wake();
  }

  /** What is old goes after the first sealing: of the audit only what is sealed. */
  async #work(): Promise<number> {
    while (!this.#sealing.stopped && (await this.#seal('swarmplane.begin_seal($1)')));
    await this.#spread();
    if (!this.#began) this.#retention.wake();
    this.#began = true;
    return this.#options.sealMs;
  }

  /** What the settings say is old goes; the audit only behind a signed checkpoint. */
  async #retain(): Promise<number> {
    const { pool, log, retentionMs } = this.#options;
    for (;;) {
      const { rows } = await pool.query<{ part: string | null }>(
        'select swarmplane.drop_old_partition() as part',
      );
      const part = rows[0]!.part;
      if (part === null || this.#retention.stopped) break;
      log.info({ partition: part }, 'dropped what result_kept says is old');
    }
    // First what a checkpoint of an earlier run let go.
    await this.#dropAudit();
    if (await this.#seal('swarmplane.begin_checkpoint($1)')) await this.#dropAudit();
    return retentionMs;
  }

  async #dropAudit(): Promise<void> {
    const { rows } = await this.#options.pool.query<{ months: number }>(
      'select swarmplane.drop_sealed_audit() as months',
    );
    const months = rows[0]!.months;
    if (months > 0) this.#options.log.info({ months }, 'dropped what audit_kept says is old');
  }

  /** Makes one seal in one transaction; false when there was nothing to seal, or another hub is at it. */
  #seal(begin: string): Promise<boolean> {
    const made = this.#last.then(() => this.#sealAlone(begin));
    this.#last = made.catch(() => undefined);
    return made;
  }

  async #sealAlone(begin: string): Promise<boolean> {
    const client = await this.#options.pool.connect();
    try {
      await client.query('begin isolation level read committed');
      const made = await this.#signed(client, begin);
      // without a seal too: an alert may have been raised
      await client.query('commit');
      client.release();
      return made;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #signed(client: pg.PoolClient, begin: string): Promise<boolean> {
    const { nodeId, seals } = this.#options;
    let seal = await beginSeal(client, begin, nodeId);
    if (seal === undefined) return false;
    const ahead = await this.#rememberedBeyond(client, seal);
    if (ahead !== undefined) {
      await client.query('rollback; begin isolation level read committed');
      await this.#warnCutOff(seal, ahead);
      seal = await beginSeal(client, 'swarmplane.begin_seal($1, afresh => true)', nodeId);
      if (seal === undefined) return false;
    }
    const hash = Buffer.from(seal.hash);
    // Nothing is signed that was not computed here as well.
    if (!hash.equals(sealHash(seal)))
      throw new HubError(
        'seal_hash',
        `the database computed another hash for seal ${seal.number} than this hub`,
        { hint: 'a function of sql/ was changed: see the alerts of kind drift' },
      );
    const { head, keyVersion } = seals.sign({
      chain: seal.chain.replaceAll('-', ''),
      number: seal.number,
      hash: hash.toString('hex'),
      at: Math.floor(seal.micros / 1_000),
    });
    const finish = 'select swarmplane.finish_seal($1, $2, $3)';
    await client.query(finish, [seal.number, Buffer.from(head), keyVersion]);
    return true;
  }

  /**
   * What this node remembers of the chain that the database has lost: it was restored from a backup,
   * or cut off. Only what hubs of this chain signed counts.
   */
  async #rememberedBeyond(client: pg.PoolClient, seal: StoredSeal): Promise<number | undefined> {
    const chain = seal.chain.replaceAll('-', '');
    const mine = this.#options.seals.all().filter((one) => one.chain === chain);
    const previous = Buffer.from(seal.previous).toString('hex');
    const odd = mine.filter(
      ({ number, hash }) =>
        number >= seal.number || (number === seal.number - 1 && hash !== previous),
    );
    if (odd.length === 0) return undefined;
    const { rows } = await client.query<{ hub: string }>(
      'select distinct hub from swarmplane.audit_seal where chain = $1 and head is not null',
      [seal.chain],
    );
    const hubs = new Set(rows.map((row) => row.hub));
    const ahead = odd.filter((one) => hubs.has(one.hub)).map((one) => one.number);
    return ahead.length === 0 ? undefined : Math.max(...ahead);
  }

  async #warnCutOff(seal: StoredSeal, ahead: number): Promise<void> {
    const message =
      `this node remembers seal ${ahead} of audit chain ${seal.chain}, the database had only come to ` +
      `${seal.number - 1}: it was restored from a backup or its audit was rebuilt; sealing goes on as a new chain`;
    this.#options.log.error({ chain: seal.chain, ahead }, message);
    await this.#options.alerts.raise('audit_cut_off', seal.chain, message);
  }

  /** The end of the chain, also when another hub made it or this one died before it could. */
  async #spread(): Promise<void> {
    const { rows } = await this.#options.pool.query<{ head: Buffer }>(
      `select head from swarmplane.audit_seal where head is not null order by number desc limit 1`,
    );
    if (rows[0] !== undefined) this.#options.seals.spread(rows[0].head);
  }

  #failed(error: unknown, what: string): void {
    const say = mayPass(error) ? 'warn' : 'error';
    this.#options.log[say]({ error: messageOf(error) }, what);
  }
}

async function beginSeal(
  client: pg.PoolClient,
  begin: string,
  nodeId: string,
): Promise<StoredSeal | undefined> {
  const { rows } = await client.query(`select ${SEAL_COLUMNS} from ${begin} s`, [nodeId]);
  return rows[0] === undefined ? undefined : storedSeal(rows[0]);
}
