/**
 * The least that a hub could be, in a process of its own: node --import tsx answering.ts URL WAY
 * `back`: hears `bench_there` and inserts a row into bench_back.
 * `bare`: hears `bench_work`, takes the row by an update, puts a question to another process and
 * inserts a row into bench_done: the way of a request, and nothing else.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const TAKE = `
  update public.bench_work w set taken = true
   where w.n = (select o.n from public.bench_work o where not o.taken order by o.n limit 1 for update skip locked)
  returning w.n`;

const [url = '', way = ''] = process.argv.slice(2);
if (way === 'echo') process.on('message', (question) => process.send!(question));
else await listen();
process.on('disconnect', () => process.exit(0));
process.send!('ready');

async function listen(): Promise<void> {
  const [ears, hands] = [await connected(), await connected()];
  const answer = way === 'bare' ? await bareWay(hands) : () => back(hands);
  ears.on('notification', () => void answer());
  await ears.query(`listen ${way === 'bare' ? 'bench_work' : 'bench_there'}`);
}

async function connected(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => process.exit(0));
  await client.connect();
  return client;
}

async function back(hands: pg.Client): Promise<void> {
  await hands.query('insert into public.bench_back values (1)');
}

async function bareWay(hands: pg.Client): Promise<() => Promise<void>> {
  const host = fork(fileURLToPath(import.meta.url), [url, 'echo'], { serialization: 'advanced' });
  await once(host, 'message');
  return async () => {
    const { rows } = await hands.query<{ n: number }>({ name: 'take', text: TAKE });
    const answered = once(host, 'message');
    host.send({ n: rows[0]!.n, sql: 'select 1 as one' });
    await answered;
    const text = 'insert into public.bench_done values ($1)';
    await hands.query({ name: 'done', text, values: [rows[0]!.n] });
  };
}
