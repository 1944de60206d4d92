/** Sentences for what people write who know other databases. */
import { ALLOWED_FUNCTIONS } from './allowed-functions.ts';
import { nearNames } from './near-names.ts';
import { QueryError } from './types.ts';

/** Why a statement that SQLite refused is none here; undefined where SQLite's own words do. */
export function meantOtherwise(sql: string, message: string): QueryError | undefined {
  const text = sql.replace(COMMENTS, ' ').trim();
  const change = CHANGE.exec(text)?.[0].toUpperCase().replace(/\s+/g, ' ');
  if (change !== undefined) {
    return new QueryError(
      'not_authorized',
      `${change} is not allowed: a query is one SELECT over host tables`,
    );
  }
  const hint = LISTING.find(([pattern]) => pattern.test(text))?.[1](text) ?? wordHint(message);
  return hint === undefined ? undefined : new QueryError('syntax', `${message}; ${hint}`);
}

function wordHint(message: string): string | undefined {
  if (/near "ilike"/i.test(message)) {
    return 'there is no ILIKE: LIKE does not mind the case of ASCII letters, GLOB does';
  }
  const name = /^no such function: (.*)$/.exec(message)?.[1];
  if (name === undefined) return undefined;
  if (/^(now|getdate|sysdate)$/i.test(name)) {
    return "write datetime('now'), or unixepoch() for seconds since 1970";
  }
  const [near] = nearNames(name, [...ALLOWED_FUNCTIONS]);
  return near === undefined ? undefined : `did you mean ${near}()?`;
}

const COMMENTS = /\/\*[^]*?(?:\*\/|$)|--[^\n]*/g;
const CHANGE =
  /^(?:create|drop)\b(?:\s+(?:temp|temporary|virtual|unique))*(?:\s+(?:table|view|index|trigger))?/i;
const ALL = '`swarmplane tables` lists the tables there are';
const LISTING: readonly (readonly [RegExp, (text: string) => string])[] = [
  [/^show\s/i, (): string => ALL],
  [/^\.(?:tables|databases|help)\b/i, (): string => ALL],
  [/^\.(?:schema|indexes)\b/i, columnsOf],
  // psql's.
  [/^\\d\+?\s+\S/i, columnsOf],
  [/^\\(?:dt?|l)\+?(?:\s|$)/i, (): string => ALL],
  [/^(?:describe|desc)\b/i, columnsOf],
];

function columnsOf(text: string): string {
  const table = /^\S+(?:\s+table)?\s+["`[]?(\w+)/i.exec(text)?.[1] ?? 'NAME';
  return `\`swarmplane tables ${table}\` shows the columns of a table`;
}
