/** `npm start -- --once`: the demo's main path as a script takes it: insert, wait for the account, read. */
import { runSql } from '../hub/index.ts';
import { CliError, EXIT } from './errors.ts';
import { table } from './text.ts';

const SQL = 'select name, version, codename from os_version';
const WAIT_MS_MAX = 60_000;

/** @returns the exit code: 0 when every host answered */
export async function printOnce(url: string): Promise<number> {
  const [inserted] = await runSql(
    url,
    `insert into swarmplane.request (sql) values ('${SQL}') returning id`,
  );
  const id = Number(inserted!.rows[0]![0]);
  await requestEnd(url, id);
  const [rows, status] = await runSql(
    url,
    `select host, row from swarmplane.result where request_id = ${id} order by host;
     select host, state, rows, ms, error from swarmplane.request_status where request_id = ${id} order by host`,
  );
  process.stdout.write(`request ${id}: ${SQL}\n\n`);
  process.stdout.write(`${table(rows!.columns, rows!.rows)}\n`);
  process.stdout.write(table(status!.columns, status!.rows));
  const states = status!.rows.map((row) => row[status!.columns.indexOf('state')]);
  const ok = states.filter((state) => state === 'ok').length;
  process.stdout.write(`${states.length} hosts: ${ok} ok\n`);
  return ok === states.length ? EXIT.ok : EXIT.incomplete;
}

async function requestEnd(url: string, id: number): Promise<void> {
  const deadline = Date.now() + WAIT_MS_MAX;
  for (;;) {
    const [open] = await runSql(url, `select state from swarmplane.request where id = ${id}`);
    const state = open!.rows[0]![0];
    if (state !== 'open') return;
    if (Date.now() > deadline) {
      throw new CliError(
        `request ${id} is still ${state} after ${WAIT_MS_MAX / 1000} s`,
        'see agent.log of demo1',
      );
    }
    await new Promise((done) => setTimeout(done, 100));
  }
}
