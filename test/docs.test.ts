/** Files that the docs name are there: a move that forgot them sends a reader nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ALARM_KINDS } from '../src/swarm/index.ts';

const ROOT = resolve(import.meta.dirname, '..');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const ENDINGS = ['', '.ts', '.mjs', '.sql', '.test.ts', '.long.test.ts'];

const isThere = (path: string): boolean =>
  ENDINGS.some((ending) => existsSync(join(ROOT, path + ending)));

it.each(PAGES)('%s names only files that are there', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const named = text.matchAll(
    /(?<![\w./-])((?:src|test|sql|migrations|scripts|bench)\/[\w./-]*\w)/g,
  );
  expect([...named].map((match) => match[1]!).filter((path) => !isThere(path))).toEqual([]);
  const linked = text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g);
  const targets = [...linked].map((match) => join(dirname(page), match[1]!));
  expect(targets.filter((path) => !isThere(path))).toEqual([]);
});

it('docs/operating.md says of every kind of alarm how it ends', () => {
  const page = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8');
  expect(ALARM_KINDS.filter((kind) => !page.includes(`\`${kind}\``))).toEqual([]);
});
