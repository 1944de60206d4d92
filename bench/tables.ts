/**
 * Twelve common queries over host tables, through the query process as an agent uses it, beside the
 * same rows loaded into sql.js and queried there. The host has 500 processes and 2,000 packages:
 * real sleeping processes, and a dpkg status file below a root of its own whose /proc, /etc and
 * /usr are this machine's. Then common tables beside the programs people use in their place.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import initSqlJs, { type SqlJsStatic } from 'sql.js';
import { createQueryRunner, type QueryRunner } from '../src/query/index.ts';
import { compareWithPrograms } from './lib/programs.ts';
import { median, printMachine } from './lib/report.ts';

const PROCESSES = 500;
const PACKAGES = 2_000;
const WARM_ROUNDS = 10;
const CLOCK_TICKS_PER_S = 100;

interface Case {
  readonly sql: string;
  /** What sql.js is given: table name to the query whose rows it holds. */
  readonly rows: Readonly<Record<string, string>>;
}

const PROCESSES_ROWS = { processes: 'select * from processes' };
const USERS_ROWS = { users: 'select * from users' };
const PACKAGES_ROWS = { deb_packages: 'select * from deb_packages' };

const CASES: readonly Case[] = [
  { sql: 'select name, version from os_version', rows: { os_version: 'select * from os_version' } },
  { sql: "select name, version from deb_packages where name = 'package-77'", rows: PACKAGES_ROWS },
  { sql: "select name, version from deb_packages where name like '%-77%'", rows: PACKAGES_ROWS },
  { sql: 'select status, count(*) as n from deb_packages group by status', rows: PACKAGES_ROWS },
  { sql: 'select pid, name, cmdline from processes', rows: PROCESSES_ROWS },
  { sql: 'select name from processes where pid = 1', rows: PROCESSES_ROWS },
  {
    sql: 'select p.name, u.username from processes p join users u on u.uid = p.uid',
    rows: { ...PROCESSES_ROWS, ...USERS_ROWS },
  },
  {
    sql: 'select name, resident_size from processes order by resident_size desc limit 10',
    rows: PROCESSES_ROWS,
  },
  {
    sql: 'select l.port, p.name from listening_ports l join processes p on p.pid = l.pid',
    rows: { listening_ports: 'select * from listening_ports', ...PROCESSES_ROWS },
  },
  { sql: 'select username, shell from users', rows: USERS_ROWS },
  {
    sql: "select filename, size from file where directory = '/etc'",
    rows: { file: "select * from file where directory = '/etc'" },
  },
  {
    sql: "select sha256 from hash where path = '/usr/bin/env'",
    rows: { hash: "select * from hash where path = '/usr/bin/env'" },
  },
];

const root = makeRoot();
const sleepers = startSleepers();
try {
  printMachine();
  const sqlJs = await initSqlJs();
  console.log('| query | cold | warm | sql.js, same rows | warm / sql.js | CPU | peak memory |');
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  for (const one of CASES) console.log(await measure(sqlJs, one));
  const runner = newRunner();
  await compareWithPrograms(runner, root).finally(() => runner.stop());
} finally {
  for (const child of sleepers) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
}

async function measure(sqlJs: SqlJsStatic, { sql, rows }: Case): Promise<string> {
  const runner = newRunner();
  try {
    const cold = await timed(() => runner.run(sql));
    const before = childUsage();
    const warm: number[] = [];
    for (let i = 0; i < WARM_ROUNDS; i++) warm.push(await timed(() => runner.run(sql)));
    const after = childUsage();
    const peer = await timeInSqlJs(sqlJs, runner, sql, rows);
    const cpuMs = (after.cpuMs - before.cpuMs) / WARM_ROUNDS;
    const ratio = median(warm) / peer;
    return `| \`${sql}\` | ${ms(cold)} | ${ms(median(warm))} | ${ms(peer)} | ${ratio.toFixed(2)} | ${ms(cpuMs)} | ${after.peakMiB.toFixed(0)} MiB |`;
  } finally {
    await runner.stop();
  }
}

/** Loading the rows counts: the peer has them in memory, but not yet in its database. */
async function timeInSqlJs(
  sqlJs: SqlJsStatic,
  runner: QueryRunner,
  sql: string,
  rows: Case['rows'],
): Promise<number> {
  const tables = await Promise.all(
    Object.entries(rows).map(async ([name, query]) => ({ name, ...(await runner.run(query)) })),
  );
  const samples: number[] = [];
  for (let i = 0; i < WARM_ROUNDS; i++) {
    samples.push(
      await timed(() => {
        const database = new sqlJs.Database();
        for (const { name, columns, rows: all } of tables) {
          database.run(`create table ${name} (${columns.map((c) => `"${c}"`).join(', ')})`);
          database.run('begin');
          const insert = database.prepare(
            `insert into ${name} values (${columns.map(() => '?').join(', ')})`,
          );
          for (const row of all)
            insert.run(row.map((v) => (typeof v === 'bigint' ? Number(v) : v)));
          insert.free();
          database.run('commit');
        }
        database.exec(sql);
        database.close();
      }),
    );
  }
  return median(samples);
}

function newRunner(): QueryRunner {
  return createQueryRunner({
    root,
    limits: { runningMax: 1, rowsMax: 100_000, answerBytesMax: 64 * 1024 * 1024, timeMs: 60_000 },
    facts: () => ({ members: [], links: [], alarms: [], agent: {} }),
  });
}

async function timed(run: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

/** CPU time and peak resident memory of the query process, from /proc. */
function childUsage(): { cpuMs: number; peakMiB: number } {
  const children = readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  const pid = children.find((child) =>
    readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('query/child'),
  )!;
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  const ticks = Number(stat[11]) + Number(stat[12]);
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuMs: (ticks * 1000) / CLOCK_TICKS_PER_S,
    peakMiB: Number(/VmHWM:\s+(\d+)/.exec(status)![1]) / 1024,
  };
}

function startSleepers(): ChildProcess[] {
  return Array.from({ length: PROCESSES }, () => spawn('sleep', ['3600'], { stdio: 'ignore' }));
}

function makeRoot(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bench-root-'));
  for (const name of ['proc', 'sys', 'etc', 'usr', 'bin', 'run'])
    symlinkSync(`/${name}`, join(folder, name));
  mkdirSync(join(folder, 'var/lib/dpkg'), { recursive: true });
  const entry = (i: number) => `Package: package-${i}
Status: install ok installed
Priority: optional
Section: utils
Installed-Size: ${100 + i}
Maintainer: Somebody <somebody@example.org>
Architecture: amd64
Source: source-${i % 300}
Version: ${i % 7}.${i % 13}-${i % 3}
Depends: libc6 (>= 2.36)
Description: package number ${i}
 A longer text that a parser has to pass over.
`;
  const text = Array.from({ length: PACKAGES }, (_, i) => entry(i)).join('\n');
  writeFileSync(join(folder, 'var/lib/dpkg/status'), text);
  return folder;
}
