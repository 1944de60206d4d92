/** What CONTRIBUTING.md promises: it names every script, and forgotten steps fail. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { allTables } from '../src/tables/index.ts';

const ROOT = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const textOf = (folder: string): string =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|md)$/.test(file))
    .map((file) => read(join(folder, file)))
    .join('\n');

it('names every npm script, and none that is not there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = [...read('CONTRIBUTING.md').matchAll(/npm (?:run ([\w:-]+)|(test|start)\b)/g)];
  const known = new Set(named.map((match) => match[1] ?? match[2]));
  expect([...known].sort()).toEqual(Object.keys(scripts).sort());
});

it('every host table has a test that names it', () => {
  const tests = ['test/tables', 'test/agent'].map(textOf).join('\n');
  const words = new Set(tests.match(/\w+/g));
  const asName = (table: string): string =>
    table.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  const untested = allTables
    .map(({ name }) => name)
    .filter((name) => !words.has(name) && !words.has(asName(name)));
  expect(untested).toEqual([]);
});

it('every command is named by a page', () => {
  const pages = `${read('README.md')}\n${textOf('docs')}`;
  const commands = [...read('src/cli/program.ts').matchAll(/^ {2}'?([\w-]+)'?: async \(\)/gm)];
  expect(commands.length).toBeGreaterThan(20);
  const unnamed = commands
    .map((match) => match[1]!)
    .filter((name) => !new RegExp(`swarmplane(?: --?[\\w-]+(?: [A-Z]+)?)* ${name}\\b`).test(pages));
  expect(unnamed).toEqual([]);
});
