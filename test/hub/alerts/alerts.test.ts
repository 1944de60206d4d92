/** Alerts on their way to people: the watch, NOTIFY, and webhooks of every temper. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import pg from 'pg';
import { readAlerts, watchAlerts, type Alert } from '../../../src/hub/alerts/feed.ts';
import { Hub } from '../../../src/hub/hub.ts';
import type { HubError } from '../../../src/hub/errors.ts';
import { silentLog, type Log } from '../../../src/hub/log.ts';
import { AlertStore, type AlertEvent } from '../../../src/hub/alerts/alert-store.ts';
import { Webhook } from '../../../src/hub/alerts/webhook.ts';
import { eventually } from '../../helpers/swarm.ts';
import { withPostgres } from '../../helpers/postgres.ts';
import { temporaryFolder } from '../hub-fixture.ts';
import { QUICK } from '../quick.ts';
import { ScriptedAsker } from '../scripted-asker.ts';

const postgres = withPostgres();

interface Call {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly event: AlertEvent;
}

/** A real HTTP server; `answer` says what it does with the nth call. */
async function receiver(
  answer: (response: ServerResponse, nth: number) => void = (response) => response.end(),
): Promise<{ url: string; calls: Call[] }> {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const event = JSON.parse(body) as AlertEvent;
      calls.push({ path: request.url!, headers: request.headers, event });
      answer(response, calls.length);
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook/s3cret`, calls };
}

/** What a log was told, as text. */
function logged(): { log: Log; text: () => string } {
  const lines: string[] = [];
  const take = (facts: object, message: string): void =>
    void lines.push(`${message} ${JSON.stringify(facts)}`);
  return {
    log: { debug: take, info: take, warn: take, error: take },
    text: () => lines.join('\n'),
  };
}

async function telling(url: string, log = silentLog) {
  const database = await postgres().createDatabase();
  const alerts = new AlertStore(database.pool());
  const make = (): Webhook => {
    const options = { alerts, log, timeoutMs: 300, pauseMs: 20 };
    const webhook = new Webhook({ target: { url, token: 't0ken' }, ...options });
    const looks = setInterval(() => webhook.wake(), 20);
    onTestFinished(async () => {
      clearInterval(looks);
      await webhook.stop();
    });
    return webhook;
  };
  return { database, alerts, make };
}

describe('a webhook', () => {
  it('is told of an opening and of its resolution, each once, counts folded', async () => {
    const { url, calls } = await receiver();
    const { log, text } = logged();
    const { alerts, make } = await telling(url, log);
    const webhook = make();
    for (let i = 0; i < 3; i++) await alerts.raise('clone', 'web1', 'two hosts, one identity');
    await eventually(() => calls.length === 1 || undefined, 'the opening');
    await alerts.resolve(['clone'], ['web1']);
    await eventually(() => calls.length === 2 || undefined, 'the resolution');
    await webhook.stop();
    expect(calls.map(({ event }) => [event.id, event.event, event.attempt])).toEqual([
      [calls[0]!.event.id, 'opened', 1],
      [calls[0]!.event.id + 1, 'resolved', 1],
    ]);
    expect(calls[0]!.event.alert).toMatchObject({
      kind: 'clone',
      key: 'web1',
      message: 'two hosts, one identity',
      severity: 'warning',
      resolved_at: null,
    });
    expect(calls[1]!.event.alert).toMatchObject({ count: 3, resolved_at: expect.any(String) });
    expect(calls[0]!.path).toBe('/hook/s3cret');
    expect(calls[0]!.headers).toMatchObject({
      'content-type': 'application/json',
      authorization: 'Bearer t0ken',
      'idempotency-key': `swarmplane-alert-${calls[0]!.event.id}`,
    });
    expect(text()).toContain('told the webhook');
    expect(text()).not.toMatch(/s3cret|t0ken/);
  });

  it('that says 500, hangs, redirects or breaks off is told again until it says 200', async () => {
    const { url, calls } = await receiver((response, nth) => {
      if (nth === 1) response.writeHead(500).end();
      else if (nth === 2) response.writeHead(302, { location: '/elsewhere' }).end();
      else if (nth === 3) response.destroy();
      else if (nth > 4) response.end();
    });
    const { log, text } = logged();
    const { database, alerts, make } = await telling(url, log);
    const pool = database.pool();
    make();
    await alerts.raise('clone', 'web1', 'x');
    const told = async (): Promise<true | undefined> => {
      // the waits between tries are those of sql/12-alert-event.sql; nobody waits for them here
      await pool.query(
        `update swarmplane.alert_event set run_at = now() where last_error is not null`,
      );
      const { rowCount } = await pool.query(
        `select from swarmplane.alert_event e join swarmplane.alert a on a.id = e.alert_id
          where a.kind = 'clone' and e.sent_at is not null`,
      );
      return rowCount === 1 || undefined;
    };
    await eventually(told, 'the webhook takes it');
    const mine = calls.filter(({ event }) => event.alert.kind === 'clone');
    expect(new Set(mine.map(({ event }) => event.id)).size).toBe(1);
    expect(calls.every(({ path }) => path === '/hook/s3cret')).toBe(true);
    expect(text()).toMatch(/answered 500/);
    expect(text()).toMatch(/answered 302/);
    expect(text()).toMatch(/cannot be reached/);
    expect(text()).toMatch(/did not answer within 300 ms/);
    expect(text()).not.toMatch(/s3cret|t0ken/);
    // the trouble was an alert of its own, counted, and is over
    await eventually(async () => {
      const { rows } = await pool.query<{ count: number; over: boolean; message: string }>(
        `select count, resolved_at is not null as over, message from swarmplane.alert where kind = 'webhook_failed'`,
      );
      expect(rows).toHaveLength(1);
      expect(rows[0]!.count).toBeGreaterThanOrEqual(4);
      expect(rows[0]!.message).not.toContain('s3cret');
      return rows[0]!.over || undefined;
    }, 'the alert about the webhook is resolved');
  });

  it('is told by the next hub what the last one could not tell', async () => {
    const { url, calls } = await receiver((response, nth) => {
      if (nth > 1) response.end();
    });
    const { database, alerts, make } = await telling(url);
    const first = make();
    await alerts.raise('clone', 'web1', 'x');
    await eventually(() => calls.length === 1 || undefined, 'a call that hangs');
    await first.stop();
    await database.pool().query('update swarmplane.alert_event set run_at = now()');
    make();
    await eventually(() => calls.length === 2 || undefined, 'the call is made again');
    expect(calls[1]!.event.id).toBe(calls[0]!.event.id);
  });

  it('is told once by two hubs on one database, woken by the notification', async () => {
    const { url, calls } = await receiver();
    const database = await postgres().createDatabase({ used: true });
    for (const name of ['hub1', 'hub2']) {
      const asker = new ScriptedAsker([name]);
      const hub = await Hub.start({
        databaseUrl: database.url,
        asker,
        log: silentLog,
        tuning: QUICK,
        webhook: { url },
        spoolFolder: temporaryFolder(),
      });
      onTestFinished(() => hub.stop());
    }
    const pool = database.pool();
    for (let i = 0; i < 20; i++)
      await pool.query(`select swarmplane.raise_alert('clone', $1, 'x')`, [`web${i}`]);
    await eventually(() => calls.length >= 20 || undefined, 'all are told');
    await eventually(async () => {
      const { rowCount } = await pool.query(
        'select from swarmplane.alert_event where sent_at is null',
      );
      return rowCount === 0 || undefined;
    }, 'all are marked');
    expect(calls.map(({ event }) => event.alert.key).sort()).toEqual(
      Array.from({ length: 20 }, (_, i) => `web${i}`).sort(),
    );
  });

  it('leaves no endless list behind: events go by age and number', async () => {
    const database = await postgres().createDatabase();
    const pool = database.pool();
    for (let i = 0; i < 5; i++)
      await pool.query(`select swarmplane.raise_alert('clone', $1, 'x')`, [`web${i}`]);
    await pool.query(
      `update swarmplane.alert_event set at = now() - interval '2 days' where id = 1`,
    );
    await pool.query('select swarmplane.forget_alert_events(2)');
    const { rows } = await pool.query('select id from swarmplane.alert_event order by id');
    expect(rows).toEqual([{ id: 4 }, { id: 5 }]);
  });
});

describe('alerts in psql and on the screen', () => {
  it('NOTIFY swarmplane_alert comes when one opens or is resolved, not when it is counted', async () => {
    const database = await postgres().createDatabase();
    const pool = database.pool();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const heard: string[] = [];
    client.on('notification', ({ payload }) => heard.push(payload ?? ''));
    await client.query('listen swarmplane_alert');
    for (let i = 0; i < 3; i++)
      await pool.query(`select swarmplane.raise_alert('clone', 'web1', 'x')`);
    await pool.query(`select swarmplane.resolve_alerts('{clone}', '{web1}')`);
    // an answer comes after the notifications that were sent before it
    await client.query('select 1');
    expect(heard).toEqual(['', '']);
    await client.end();
  });

  it('are read open or all, and watched as they open and end', async () => {
    const database = await postgres().createDatabase();
    const reader = await database.urlAs('alert_reader', ['swarmplane_reader']);
    const pool = database.pool();
    const raise = (key: string) =>
      pool.query(`select swarmplane.raise_alert('clone', $1, 'two hosts')`, [key]);
    await raise('old');
    await pool.query(`select swarmplane.resolve_alerts('{clone}', '{old}')`);
    await raise('web1');
    expect((await readAlerts(reader, false)).map(({ key }) => key)).toEqual(['web1']);
    expect((await readAlerts(reader, true)).map(({ key }) => key)).toEqual(['old', 'web1']);

    const seen: string[] = [];
    const ended = new AbortController();
    const take = ({ key, resolved_at }: Alert): void =>
      void seen.push(`${key} ${resolved_at === null ? 'opened' : 'resolved'}`);
    const watching = watchAlerts(reader, take, { signal: ended.signal, pollMs: 60_000 });
    await eventually(() => seen.length === 1 || undefined, 'what is open');
    await raise('web1');
    await raise('web2');
    await eventually(() => seen.length === 2 || undefined, 'what opens');
    await pool.query(`select swarmplane.resolve_alerts('{clone}', '{web1}')`);
    await eventually(() => seen.length === 3 || undefined, 'what ends');
    await pool.query('begin; rollback');
    ended.abort();
    await watching;
    expect(seen).toEqual(['web1 opened', 'web2 opened', 'web1 resolved']);
  });

  it('say what is missing: no rights, no schema', async () => {
    const database = await postgres().createDatabase();
    const nobody = await database.urlAs('alert_nobody');
    const refused = (url: string): Promise<HubError> =>
      readAlerts(url, false).catch((error: unknown) => error as HubError) as Promise<HubError>;
    expect(await refused(nobody)).toMatchObject({
      code: 'not_allowed',
      hint: expect.stringContaining('swarmplane hub grant --role reader') as string,
    });
    const empty = await postgres().createDatabase({ empty: true });
    expect(await refused(empty.url)).toMatchObject({ code: 'no_schema' });
  });
});
