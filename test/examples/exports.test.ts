/** The package's doors: what they export is what docs/library.md promises, no more and no less. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

it.each([
  ['.', 'src/agent/public.ts', 'dist/agent/public.js'],
  ['./secure', 'src/secure/public.ts', 'dist/secure/public.js'],
])('%s exports what is documented', async (door, source, built) => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, string> };
  expect(exports[door]).toBe(`./${built}`);
  const values = Object.keys((await import(new URL(built, root).href)) as object);
  const lists = [...read(source).matchAll(/export (?:type )?\{([^}]*)\}/g)];
  const names = lists.flatMap(([, list]) =>
    list!.split(',').map((name) => name.replace('type', '').trim()),
  );
  const listed = names.filter((name) => name !== '');
  expect(values.length).toBeGreaterThan(3);
  expect(values.filter((name) => !listed.includes(name))).toEqual([]);
  const section = read('docs/library.md').split(/^## /m)[door === '.' ? 1 : 2]!;
  const words = new Set(section.match(/\w+/g));
  expect(listed.filter((name) => !words.has(name))).toEqual([]);
});
