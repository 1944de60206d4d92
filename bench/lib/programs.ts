/** Host tables beside the programs people use: the same rows, the whole time from asking to having them. */
import { spawnSync } from 'node:child_process';
import type { QueryRunner } from '../../src/query/index.ts';
import { median } from './report.ts';

interface Beside {
  readonly sql: string;
  readonly program: readonly [string, ...string[]];
  /** Why a table that takes longer does; goal is 1.0. */
  readonly why?: string;
}

const ROUNDS = 10;

/** @param root of the host that tables look at; programs are told the same places */
export async function compareWithPrograms(runner: QueryRunner, root: string): Promise<void> {
  console.log(
    '\n| query | warm | program | wall time | rows: ours, its | warm / program | why above 1.0 |',
  );
  console.log('| --- | ---: | --- | ---: | ---: | ---: | --- |');
  for (const one of casesOf(root)) console.log(await compare(runner, one));
}

async function compare(runner: QueryRunner, { sql, program, why }: Beside): Promise<string> {
  const [file, ...args] = program;
  const shown = `| \`${sql}\` |`;
  const name = `\`${[file, ...args.map((arg) => (/[\s$%]/.test(arg) ? '..' : arg))].join(' ')}\``;
  const run = () => spawnSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28, env: ENV });
  if (run().status !== 0) return `${shown} | ${name} | not on this host | | | |`;
  await runner.run(sql);
  const [ours, theirs]: [number[], number[]] = [[], []];
  let [rows, lines] = [0, 0];
  // By turns, so that both meet the same machine.
  for (let round = 0; round < ROUNDS; round++) {
    let begun = performance.now();
    rows = (await runner.run(sql)).rows.length;
    ours.push(performance.now() - begun);
    begun = performance.now();
    const { stdout } = run();
    theirs.push(performance.now() - begun);
    lines = stdout.split('\n').filter((line) => line !== '').length;
  }
  const ratio = median(ours) / median(theirs);
  const reason = ratio > 1 ? (why ?? 'not known') : '';
  return `${shown} ${ms(median(ours))} | ${name} | ${ms(median(theirs))} | ${rows}, ${lines} | ${ratio.toFixed(2)} | ${reason} |`;
}

function casesOf(root: string): readonly Beside[] {
  return [
    {
      sql: 'select pid, name, cmdline from processes',
      program: ['ps', '-ww', '--no-headers', '-eo', 'pid,comm,args'],
      why: PROC,
    },
    {
      sql: 'select pid, parent, uid, state, resident_size from processes',
      program: ['ps', '--no-headers', '-eo', 'pid,ppid,uid,state,rss'],
      why: PROC,
    },
    {
      sql: 'select protocol, address, port, pid from listening_ports where port > 0',
      program: ['ss', '-Htulnp'],
      why: 'both read the descriptors of every process; ss is told the sockets by netlink, which Node has no API for',
    },
    {
      sql: 'select name, version, arch, status from deb_packages',
      program: [
        'dpkg-query',
        `--admindir=${root}/var/lib/dpkg`,
        '-W',
        '-f',
        '${Package}\\t${Version}\\t${Architecture}\\t${Status}\\n',
      ],
      why: 'the same file is parsed in JavaScript, and each row goes through SQLite and to another process',
    },
    {
      sql: 'select id, active_state, sub_state from systemd_units',
      program: ['systemctl', 'list-units', '--all', '--plain', '--no-legend'],
      why: 'it is systemctl that the table asks, for more of each unit than list-units tells',
    },
    {
      sql: "select path, size from file where directory = '/etc'",
      program: ['find', '/etc/', '-mindepth', '1', '-maxdepth', '1', '-printf', '%p %s\\n'],
      why: 'a query has a fixed cost, that of os_version above: it is prepared and goes to another process and back',
    },
    {
      sql: "select path, size from file where path like '/usr/lib/%%'",
      program: ['find', '/usr/lib/', '-mindepth', '1', '-printf', '%p %s\\n'],
      why: 'Node has no call that asks for few attributes of a file: each is asked for by a stat of its own, through three layers',
    },
  ];
}

const PROC =
  'the same files of /proc, opened, read and closed by calls of Node, and the fixed cost of a query';
const ms = (value: number): string => `${value.toFixed(1)} ms`;
const ENV = { PATH: process.env.PATH, LC_ALL: 'C' };
