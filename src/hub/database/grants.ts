/**
 * Roles for people: the SQL that gives a login one of the group roles and access labels, or takes
 * them back. The statements are made first, so that they can be shown; then run in one transaction.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import pg from 'pg';
import { Client } from './client.ts';
import { explainFailure, connectionString } from './database.ts';
import { codeOf, HubError, messageOf } from '../errors.ts';

export const GRANT_ROLES = ['reader', 'asker', 'operator', 'auditor', 'sensitive'] as const;
export type GrantRole = (typeof GRANT_ROLES)[number];

export interface GrantOptions {
  /** A login with CREATEROLE that may act as swarmplane_owner: that of the hub. */
  readonly url: string;
  /** Login or group role, as PostgreSQL writes it, unquoted. */
  readonly name: string;
  readonly role: GrantRole;
  /** Access labels; with `revoke` they are what is taken back, and the role stays. */
  readonly labels: readonly string[];
  readonly revoke: boolean;
  /** Shows the statements and runs none. */
  readonly dryRun: boolean;
}

export interface Granted {
  /** Whole, as it was run; the password in it is a SCRAM verifier. */
  readonly statements: readonly string[];
  /** Of a login that was made; known nowhere else. */
  readonly password: string | undefined;
  /** What the labels do not change, for people. */
  readonly notes: readonly string[];
}

/** @throws HubError bad_name, no_schema, no_such_role, grant_failed, or why it cannot connect */
export async function grant(options: GrantOptions): Promise<Granted> {
  refuseName(options.name);
  const client = new Client({
    connectionString: connectionString(options.url),
    application_name: 'swarmplane grant',
    connectionTimeoutMillis: 10_000,
    statement_timeout: 30_000,
    query_timeout: 40_000,
  });
  client.on('error', () => undefined);
  await client.connect().catch((error: unknown) => {
    throw explainFailure(error, options.url);
  });
  try {
    return await plan(client, options);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function plan(client: pg.Client, options: GrantOptions): Promise<Granted> {
  const facts = await look(client, options);
  if (!facts.ready) {
    throw new HubError('no_schema', 'no hub has worked with this database yet', {
      hint: 'start one with `swarmplane hub`: it makes the roles',
    });
  }
  if (options.revoke && !facts.exists) {
    throw new HubError('no_such_role', `there is no role ${JSON.stringify(options.name)}`, {
      hint: 'write the name as it was granted, upper and lower case matter',
    });
  }
  const password = facts.exists ? undefined : randomBytes(18).toString('base64url');
  const statements = options.revoke ? revoking(options) : granting(options, password);
  if (!options.dryRun) await run(client, statements);
  return { statements, password, notes: notesOn(options, facts) };
}

/** Names that would not be a person: those of PostgreSQL, and our own group roles. */
function refuseName(name: string): void {
  const bytes = Buffer.byteLength(name);
  const hint = 'name a login or a group role of yours, such as alice';
  if (bytes < 1 || bytes > 63 || name.includes('\0'))
    throw new HubError('bad_name', `a role cannot be called ${JSON.stringify(name)}`, { hint });
  if (/^(pg_|swarmplane_)/.test(name) || name === 'public' || name === 'none')
    throw new HubError('bad_name', `${JSON.stringify(name)} is a name of the system`, { hint });
}

interface Facts {
  readonly ready: boolean;
  readonly exists: boolean;
  readonly superuser: boolean;
  /** By a grant of the label * the role sees every host, whatever other labels it has. */
  readonly sees_all: boolean;
  readonly labels: readonly string[] | null;
}

async function look(client: pg.Client, { name, role }: GrantOptions): Promise<Facts> {
  const ready = `to_regclass('swarmplane.label_grant') is not null and exists (
    select from pg_roles where rolname = 'swarmplane_auditor')`;
  const [there] = (await client.query<{ ready: boolean }>(`select ${ready} as ready`)).rows;
  const known = await client.query<{ superuser: boolean }>(
    'select rolsuper as superuser from pg_roles where rolname = $1',
    [name],
  );
  const seen = there!.ready ? await lookAtLabels(client, name, role) : {};
  return {
    ready: there!.ready,
    exists: known.rows.length > 0,
    superuser: known.rows[0]?.superuser === true,
    sees_all: false,
    labels: null,
    ...seen,
  };
}

async function lookAtLabels(client: pg.Client, name: string, role: GrantRole): Promise<object> {
  const { rows } = await client.query<{ sees_all: boolean; labels: string[] | null }>(
    `select exists (select from swarmplane.label_grant g join pg_roles r on r.rolname = g.role
                     where g.label = '*' and pg_has_role($2, r.oid, 'usage')) as sees_all,
            (select array_agg(label order by label) from swarmplane.label_grant where role = $1) as labels`,
    [name, `swarmplane_${role}`],
  );
  return rows[0]!;
}

function granting({ name, role, labels }: GrantOptions, password: string | undefined): string[] {
  const who = pg.escapeIdentifier(name);
  const made =
    password === undefined
      ? []
      : [`create role ${who} login password ${pg.escapeLiteral(scramVerifier(password))}`];
  const rows = labels.map((label) => `(${pg.escapeLiteral(name)}, ${pg.escapeLiteral(label)})`);
  const labelled =
    rows.length === 0
      ? []
      : [
          `insert into swarmplane.label_grant (role, label)\n  values ${rows.join(', ')}\n  on conflict do nothing`,
        ];
  return [
    ...made,
    `grant swarmplane_${role} to ${who}`,
    AS_OWNER,
    ...labelled,
    audited('role.grant', name, role, labels),
  ];
}

function revoking({ name, role, labels }: GrantOptions): string[] {
  const who = pg.escapeIdentifier(name);
  const listed = labels.map((label) => pg.escapeLiteral(label)).join(', ');
  const taken =
    labels.length === 0
      ? [`revoke swarmplane_${role} from ${who}`, AS_OWNER]
      : [
          AS_OWNER,
          `delete from swarmplane.label_grant\n  where role = ${pg.escapeLiteral(name)} and label in (${listed})`,
        ];
  return [...taken, audited('role.revoke', name, role, labels)];
}

/** Labels and the audit belong to the owner. */
const AS_OWNER = 'set local role swarmplane_owner';

function audited(action: string, name: string, role: string, labels: readonly string[]): string {
  const what = JSON.stringify({ role: `swarmplane_${role}`, labels });
  return `insert into swarmplane.audit (action, object, after)
  values (${pg.escapeLiteral(action)}, ${pg.escapeLiteral(`role ${name}`)}, ${pg.escapeLiteral(what)})`;
}

async function run(client: pg.Client, statements: readonly string[]): Promise<void> {
  await client.query('begin');
  for (const statement of statements) {
    try {
      await client.query(statement);
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      const [head] = statement.split(' password ');
      throw new HubError('grant_failed', `${messageOf(error)} (${head!.replaceAll('\n', ' ')})`, {
        cause: error,
        hint: hintFor(error),
      });
    }
  }
  await client.query('commit');
}

function hintFor(error: unknown): string {
  if (codeOf(error) !== '42501') return 'nothing was changed';
  return "nothing was changed: this wants the hub's login, or another that may make roles and act as swarmplane_owner";
}

function notesOn(options: GrantOptions, facts: Facts): string[] {
  const { name, role, labels, revoke } = options;
  const shown = JSON.stringify(name);
  if (facts.superuser) return [`${shown} is a superuser: roles and labels do not bind it`];
  if (revoke && labels.length === 0 && facts.labels !== null)
    return [
      `labels stay: ${facts.labels.join(', ')}; take them back with --revoke --label ${facts.labels.join(',')}`,
    ];
  if (!revoke && labels.length > 0 && facts.sees_all)
    return [
      `swarmplane_${role} sees every host, so these labels narrow nothing until the row ('*') is taken out of swarmplane.label_grant`,
    ];
  return [];
}

/**
 * What PostgreSQL keeps of a password (RFC 5803), so that the password itself is in no statement,
 * no server log and no list of sessions. For ASCII passwords, which need no SASLprep.
 */
export function scramVerifier(password: string, salt = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256');
  const hmac = (text: string): Buffer => createHmac('sha256', salted).update(text).digest();
  const stored = createHash('sha256').update(hmac('Client Key')).digest('base64');
  const server = hmac('Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${stored}:${server}`;
}

/** PostgreSQL's own default. */
const ITERATIONS = 4096;
