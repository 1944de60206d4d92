/** Policies of a pack become rows of desired state, which keep pass and fail over time (docs/desired.md). */
import type { Command } from 'commander';
import type { Database } from './history-database.ts';
import { CliError } from './errors.ts';
import { parseList } from './options.ts';
import { parsePack, readPackFile, type PackEntry } from './pack-file.ts';
import { printable } from './text.ts';

interface ImportOptions {
  readonly database?: string;
  readonly hosts?: string;
  readonly every: string;
}

export function registerPackImport(pack: Command): void {
  const command = pack
    .command('import')
    .argument('<file>', 'Fleet YAML of policies')
    .description('keep watch over the policies of a pack: one row of swarmplane.desired each')
    .option('--hosts <a,b>', 'only for these hosts (names or node ids); default: all')
    .option('--every <INTERVAL>', "how often hosts are asked, as PostgreSQL's intervals", '1 hour')
    .option('--database <URL>', "a hub's database; default: that of the hub here")
    .addHelpText('after', HELP)
    .action(async (file: string, options: ImportOptions) => {
      const { withDatabase } = await import('./history-database.ts');
      await withDatabase(command, options, (pool) => importPolicies(pool, file, options));
    });
}

type Became = 'new' | 'changed' | 'as it was';

async function importPolicies(pool: Database, file: string, options: ImportOptions): Promise<void> {
  const { entries } = parsePack(readPackFile(file), file);
  const policies = entries.filter(({ policy }) => policy);
  if (policies.length === 0) {
    throw new CliError(
      `${JSON.stringify(file)} holds no policies`,
      'a policy has kind: policy; queries are run by `swarmplane pack run`, or put into swarmplane.schedule',
    );
  }
  const hosts = options.hosts === undefined ? ['*'] : [...parseList(options.hosts, 'host name')];
  const fitting = policies.filter(({ skipped }) => skipped === undefined);
  const client = await pool.connect();
  try {
    // All of them or none.
    await client.query('begin');
    for (const entry of fitting) {
      const became = await write(client, entry, hosts, options.every);
      process.stdout.write(`${became.padEnd(9)}  ${printable(entry.name)}\n`);
    }
    await client.query('commit');
  } finally {
    client.release(true);
  }
  for (const { name, skipped } of policies.filter((entry) => entry.skipped !== undefined))
    process.stdout.write(`skipped    ${printable(`${name}: ${skipped}`)}\n`);
  process.stdout.write('table swarmplane.policy_status tells how they stand\n');
}

/** A policy passes where its query gives a row; a desired row holds where its check gives none. */
export function checkOf(query: string): string {
  const bare = [...query.matchAll(TOKENS)]
    .map(([token]) => (/^(?:--|\/\*)/.test(token) ? ' ' : token))
    .join('');
  return `select 'policy' as failed where not exists (${bare.trim().replace(/[;\s]+$/, '')})`;
}

/** Strings, quoted names and comments of SQLite whole, everything else by character. */
const TOKENS =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?(?:\*\/|$)|[^]/g;

async function write(
  client: Pick<Database, 'query'>,
  { name, sql, description, resolution }: PackEntry,
  hosts: readonly string[],
  every: string,
): Promise<Became> {
  const values = [name, checkOf(sql), hosts, every, description ?? null, resolution ?? null];
  const known = await client.query<{ action: string | null; same: boolean }>(
    `select action, (sql, hosts, every, description, resolution)
              is not distinct from ($2::text, $3::text[], $4::interval, $5::text, $6::text) as same
       from swarmplane.desired where name = $1`,
    values,
  );
  const row = known.rows[0];
  if (row === undefined) {
    await client.query(
      `insert into swarmplane.desired (name, sql, hosts, every, description, resolution)
       values ($1, $2, $3, $4, $5, $6)`,
      values,
    );
    return 'new';
  }
  if (row.action !== null) {
    throw new CliError(
      `swarmplane.desired has a row ${JSON.stringify(name)} with an action already`,
      'rename it, or the policy: nothing was imported',
    );
  }
  if (row.same) return 'as it was';
  await client.query(
    `update swarmplane.desired
        set sql = $2, view = null, hosts = $3, labels = null, access_label = null, site = null,
            every = $4, description = $5, resolution = $6
      where name = $1`,
    values,
  );
  return 'changed';
}

const HELP = `
Policies that were imported before are changed; none is deleted. All of a file go in, or none.

Examples:
  $ swarmplane pack import cis-policies.yml
  $ swarmplane sql --execute 'table swarmplane.policy_status'`;
