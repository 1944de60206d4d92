/** The tables in words: docs/tables.md and what `swarmplane tables` prints. Pure. */
import { comparedWith } from './compared-with.ts';
import type { Column, HostTable } from './types.ts';

/** docs/tables.md, whole. */
export function describeTables(tables: readonly HostTable[]): string {
  const sorted = [...tables].sort((a, b) => (a.name < b.name ? -1 : 1));
  return [INTRODUCTION, listOf(sorted), ...sorted.map(describeTable)].join('\n') + '\n';
}

/** One table as Markdown: a heading, its sentence, its facts, its columns. */
export function describeTable(table: HostTable): string {
  return [
    `## ${table.name}`,
    '',
    table.description,
    '',
    `${factsOf(table).join('; ')}.`,
    '',
    ...sourceOf(table),
    '| column | type | notes | meaning |',
    '| --- | --- | --- | --- |',
    ...table.columns.map(columnLine),
    '',
  ].join('\n');
}

/** Made-up tables of tests have none. */
function sourceOf({ name }: HostTable): string[] {
  const source = comparedWith[name];
  return source === undefined ? [] : [`Tested beside ${source}.`, ''];
}

/** One line for lists: name and sentence, with what sets the table apart. */
export interface TableSummary {
  readonly name: string;
  readonly description: string;
  readonly cost: HostTable['cost'];
  readonly columns: number;
  readonly sensitive: boolean;
  readonly beyondOsquery: boolean;
  readonly aliases: readonly string[];
  /** Columns that a query must constrain. */
  readonly required: readonly string[];
}

export function tableSummary(table: HostTable): TableSummary {
  return {
    name: table.name,
    description: table.description,
    cost: table.cost,
    columns: table.columns.filter((column) => column.hidden !== true).length,
    sensitive: table.sensitive === true,
    beyondOsquery: table.beyondOsquery === true,
    aliases: table.aliases ?? [],
    required: requiredOf(table),
  };
}

function listOf(tables: readonly HostTable[]): string {
  const line = (table: HostTable): string =>
    `| [${table.name}](#${table.name}) | ${cell(table.description)} |`;
  return ['| table | what |', '| --- | --- |', ...tables.map(line), ''].join('\n');
}

function factsOf(table: HostTable): string[] {
  const required = requiredOf(table);
  return [
    table.key.length > 0 ? `Key: ${table.key.join(', ')}` : 'One row',
    `cost: ${table.cost}`,
    ...(required.length > 0 ? [`needs a constraint on ${required.join(' or ')}`] : []),
    ...(table.sensitive ? ['sensitive: needs a role certificate over the network'] : []),
    ...(table.aliases?.length ? [`also called ${table.aliases.join(', ')}`] : []),
    ...(table.beyondOsquery ? ['not in osquery'] : []),
  ];
}

function columnLine(column: Column): string {
  return `| ${column.name} | ${column.type} | ${notesOf(column)} | ${cell(column.doc)} |`;
}

function notesOf(column: Column): string {
  return [
    column.required && 'required',
    column.index && 'indexed',
    column.steers && 'says where to look',
    column.additional && column.always === undefined && 'steers the collector',
    column.always !== undefined && `always ${column.always ?? 'NULL'}`,
    column.hidden && 'hidden',
    column.load && 'load',
    column.collate && `collates ${column.collate}`,
    column.unset && !column.hidden && 'or NULL',
  ]
    .filter(Boolean)
    .join(', ');
}

function requiredOf(table: HostTable): string[] {
  return table.columns.filter((column) => column.required).map((column) => column.name);
}

/** A `|` would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const INTRODUCTION = `# Tables

What a host can be asked about. Names, columns and types follow osquery; a number that cannot be had
is NULL, and so is a text where the notes say so. Other texts of osquery's tables are empty then, as
osquery has them; those of tables that osquery has not are NULL. This page is generated from src/tables by \`node scripts/run.mjs scripts/tables-doc.ts\`; do not
edit it. \`swarmplane tables NAME\` prints the same of one table.

Notes on columns: a query must constrain a *required* one (or another required one of the table) by
equality, a pattern or a join; equality on an *indexed* one is cheap; a constraint on one that
*steers the collector* changes which rows come; a query that compares one that is *always* NULL or 0 with
anything else is refused, as what osquery has there is not served here; \`select *\` leaves *hidden* ones out;
*load* (free space, counters, process ids) answers queries and is left out of history, where only what somebody
or something changed on the host is a change. A table that shows nothing but load cannot be tracked.

Each table says what its test compares its rows with: the program people use, where there is one. What was
recorded is what that program printed elsewhere, as it cannot be run in the tests.
`;
