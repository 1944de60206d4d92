/** The logins and the database of a new embedded server, checked again at every start. */
import pg from 'pg';
import { Client } from '../database/client.ts';
import { TUNABLE } from './tunable.ts';

export interface Passwords {
  readonly hub: string;
  readonly operator: string;
}

/** @param urlOf the superuser's URL of a database */
export async function provision(
  urlOf: (database: string) => string,
  passwords: Passwords,
): Promise<void> {
  await connected(urlOf('postgres'), async (client) => {
    // A statement that fails is written to the server's log, and these hold passwords.
    await client.query('set log_min_error_statement = panic');
    await client.query(login('hub', passwords.hub, 'createrole'));
    await client.query(login('operator', passwords.operator, 'nocreaterole'));
    await client.query(GROUPS);
    const { rowCount } = await client.query(`select from pg_database where datname = 'swarmplane'`);
    if (rowCount === 0) await client.query('create database swarmplane owner hub');
    // Nobody but the hub may put temporary objects before ours.
    await client.query('revoke temporary on database swarmplane from public');
    // Schemas of his own beside ours; he owns what he makes there.
    await client.query('grant create on database swarmplane to operator');
    await client.query(`grant alter system on parameter ${TUNABLE.join(', ')} to operator`);
  });
  // Rights to functions of the server are of each database.
  await connected(urlOf('swarmplane'), (client) =>
    client.query('grant execute on function pg_reload_conf() to operator'),
  );
}

async function connected(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'swarmplane provision' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function login(name: string, password: string, options: string): string {
  const secret = pg.escapeLiteral(password);
  return `do $$ begin
    if exists (select from pg_roles where rolname = '${name}') then
      alter role ${name} login ${options} password ${secret};
    else
      create role ${name} login ${options} password ${secret};
    end if;
  end $$`;
}

/** The migrations make the other group roles; this one is needed before, for the login to be in it. */
const GROUPS = `do $$ begin
  if not exists (select from pg_roles where rolname = 'swarmplane_operator') then
    create role swarmplane_operator nologin;
  end if;
  grant swarmplane_operator to hub with admin true, inherit false;
  grant swarmplane_operator to operator;
  -- doctor looks for who holds an old snapshot
  grant pg_read_all_stats to hub;
end $$`;
