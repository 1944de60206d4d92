/** What mends drift: a statement for the owner of the database where there is one, else what to do. */
import type { SchemaObject } from './released.ts';

/** @param expected undefined for what was added; @param now undefined for what is missing */
export function mendOf(expected: SchemaObject | undefined, now: SchemaObject | undefined): string {
  if (expected === undefined) return removed(now!);
  const whole = WHOLE[expected.kind];
  if (now === undefined) return whole?.(expected) ?? ANEW[expected.kind] ?? RESTORE;
  const changed = [...new Set([...expected.parts.keys(), ...now.parts.keys()])].filter(
    (part) => expected.parts.get(part) !== now.parts.get(part),
  );
  const direct = changed.map((part) => PARTS[`${expected.kind} ${part}`]?.(expected, now));
  if (direct.every((each) => each !== undefined)) return direct.join(' ');
  if (whole !== undefined && REMOVABLE.has(expected.kind))
    return `${removed(expected)} ${whole(expected)}`;
  return ANEW[expected.kind] ?? RESTORE;
}

/** Hubs apply sql/ where what was applied last is not theirs. */
const REAPPLY =
  'delete from swarmplane.sql_file; -- then start the hub anew: it makes its functions, views and triggers anew';
const ANEW: Record<string, string> = { function: REAPPLY, view: REAPPLY };
const RESTORE = 'bring it back from a backup (swarmplane hub restore): no release makes it anew';

const REMOVABLE = new Set(['policy', 'index', 'constraint', 'trigger']);

function removed({ kind, name, of, parts }: SchemaObject): string {
  const [table, own] = apart(name, of);
  switch (kind) {
    case 'grant':
      return `revoke ${name.replace(/ to (\S+)$/, ' from $1')};`;
    case 'membership':
      return `revoke ${name.replace(' to ', ' from ')};`;
    case 'ownership':
      return `grant ${parts.get('its owner lacks')} on ${name} to swarmplane_owner;`;
    case 'partition':
      return [...parts]
        .map(([trigger]) => `alter table ${name} enable always trigger ${trigger};`)
        .join(' ');
    case 'constraint':
      return `alter table ${table} drop constraint ${own};`;
    case 'index':
      return `drop index ${name};`;
    case 'function':
      return `drop routine ${name};`;
    default:
      return `drop ${kind} ${own} on ${table};`;
  }
}

const WHOLE: Record<string, (object: SchemaObject) => string> = {
  index: ({ parts }) => `${parts.get('is')}${clause(' where ', parts.get('where'))};`,
  constraint: ({ name, of, parts }) => {
    const [table, own] = apart(name, of);
    return `alter table ${table} add constraint ${own} ${parts.get('is')};`;
  },
  column: ({ name, of, parts }) => {
    const [table, own] = apart(name, of);
    const given = clause(' default ', parts.get('default'));
    return `alter table ${table} add column ${own} ${parts.get('type')}${given}; -- and bring its values back from a backup`;
  },
  trigger: (object) => {
    const { parts } = object;
    const when = clause(' WHEN ', parts.get('when'));
    const made = parts.get('is')!.replace(' EXECUTE FUNCTION', `${when} EXECUTE FUNCTION`);
    return `${made}; ${firing(object)}`;
  },
  policy: ({ name, of, parts }) => {
    const [table, own] = apart(name, of);
    const conditions =
      clause(' using ', parts.get('using')) + clause(' with check ', parts.get('with check'));
    return `create policy ${own} on ${table} ${parts.get('is')}${conditions};`;
  },
  grant: ({ name, parts }) =>
    `grant ${name}${parts.get('is') === 'granted' ? '' : ' with grant option'};`,
  membership: ({ name }) => `grant ${name};`,
  role: ({ name }) => `create role ${name} nologin;`,
};

/** What one part of an object is set by. */
const PARTS: Record<string, (expected: SchemaObject, now: SchemaObject) => string | undefined> = {
  'table row security': ({ name, parts }) =>
    ({
      on: `alter table ${name} enable row level security, no force row level security;`,
      off: `alter table ${name} disable row level security, no force row level security;`,
      forced: `alter table ${name} enable row level security, force row level security;`,
    })[parts.get('row security')!],
  'table survives a crash': ({ name }) => `alter table ${name} set logged;`,
  'trigger fires': (object) => firing(object),
  'function security': ({ name, parts }) =>
    `alter routine ${name} security ${parts.get('security')};`,
  'function settings': ({ name, parts }) => settings(name, parts.get('settings')!),
  'view options': ({ name, parts }) =>
    parts.get('options') === 'none'
      ? undefined
      : `alter view ${name} set (${parts.get('options')});`,
  'column default': ({ name, of, parts }) => {
    const [table, own] = apart(name, of);
    const given = parts.get('default');
    return `alter table ${table} alter ${own} ${given === undefined ? 'drop default' : `set default ${given}`};`;
  },
  'column null': ({ name, of, parts }) => {
    const [table, own] = apart(name, of);
    return `alter table ${table} alter ${own} ${parts.get('null') === 'null' ? 'drop' : 'set'} not null;`;
  },
  'constraint holds': ({ name, of }, now) => {
    const [table, own] = apart(name, of);
    return now.parts.get('holds') === 'no'
      ? `alter table ${table} enable trigger all;`
      : `alter table ${table} validate constraint ${own};`;
  },
  'role may': ({ name }, now) =>
    `alter role ${name} ${now.parts
      .get('may')!
      .split(', ')
      .map((right) => `no${right}`)
      .join(' ')};`,
  'grant is': ({ name }, now) =>
    now.parts.get('is') === 'granted'
      ? `grant ${name} with grant option;`
      : `revoke grant option for ${name.replace(/ to (\S+)$/, ' from $1')};`,
  ...ownerParts(),
};

function ownerParts(): Record<string, (expected: SchemaObject) => string> {
  const kinds = ['schema', 'table', 'view', 'sequence', 'function'];
  return Object.fromEntries(
    kinds.map((kind) => [
      `${kind} owner`,
      ({ name, parts }: SchemaObject) =>
        `alter ${kind === 'function' ? 'routine' : kind} ${name} owner to ${parts.get('owner')};`,
    ]),
  );
}

function firing({ name, of, parts }: SchemaObject): string {
  const [table, own] = apart(name, of);
  const how = { always: 'enable always', 'by itself': 'enable' }[parts.get('fires')!] ?? 'disable';
  return `alter table ${table} ${how} trigger ${own};`;
}

function settings(name: string, wanted: string): string {
  const each = wanted === 'none' ? [] : wanted.split('; ');
  const set = each.map((setting) => {
    const [key, ...value] = setting.split('=');
    return `alter routine ${name} set ${key} = ${value.join('=')};`;
  });
  return [`alter routine ${name} reset all;`, ...set].join(' ');
}

function clause(words: string, expression: string | undefined): string {
  return expression === undefined ? '' : `${words}(${expression})`;
}

/** Table, and the name of what belongs to it: `swarmplane.node.by_label`. */
function apart(name: string, of: string): [table: string, own: string] {
  const table = of.slice(of.indexOf(' ') + 1);
  return [table, name.slice(table.length + 1)];
}
