/** The logins and the database of a new embedded server, checked again at every start. */
import pg from 'pg';
import { Client } from '../database/client.ts';

export interface Passwords {
  readonly hub: string;
  readonly operator: string;
}

export async function provision(superUrl: string, passwords: Passwords): Promise<void> {
  const client = new Client({
    connectionString: superUrl,
    application_name: 'swarmplane provision',
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    // A statement that fails is written to the server's log, and these hold passwords.
    await client.query('set log_min_error_statement = panic');
    await client.query(login('hub', passwords.hub, 'createrole'));
    await client.query(login('operator', passwords.operator, 'nocreaterole'));
    await client.query(GROUPS);
    const { rowCount } = await client.query(`select from pg_database where datname = 'swarmplane'`);
    if (rowCount === 0) await client.query('create database swarmplane owner hub');
    // Nobody but the hub may put temporary objects before ours.
    await client.query('revoke temporary on database swarmplane from public');
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
