/** Arrows point up the list only (docs/architecture.md): a room imports the rooms below it, through their index. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOMS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  wire: ['base'],
  secure: ['base', 'wire'],
  swarm: ['base', 'wire', 'secure'],
  net: ['base', 'wire', 'secure', 'swarm'],
  tables: ['base'],
  query: ['base', 'tables'],
  takings: ['wire', 'secure', 'tables'],
  agent: ['base', 'wire', 'secure', 'swarm', 'net', 'tables', 'query', 'takings'],
  hub: ['base', 'agent', 'tables', 'takings'],
  web: ['base', 'agent', 'hub'],
  cli: ['base', 'agent', 'hub', 'web', 'query', 'tables'],
};

const SRC = resolve(import.meta.dirname, '../src');

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);
const imports = files.flatMap((file) => importsOf(file));

describe('rooms', () => {
  it('are those of the architecture, and nothing lies outside them', () => {
    const found = new Set(files.map(roomOf));
    expect([...found].filter((room) => ROOMS[room] === undefined)).toEqual([]);
    expect(files.length).toBeGreaterThan(20);
  });

  it('import only rooms below them', () => {
    const wrong = imports.filter(({ room, target }) => {
      const other = roomOf(target);
      return other !== room && !ROOMS[room]!.includes(other);
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('enter another room by its index, its types, or the light doors of agent and tables', () => {
    const wrong = imports.filter(
      ({ room, target, typeOnly }) =>
        roomOf(target) !== room &&
        !/^\w+\/index\.ts$/.test(target) &&
        target !== 'agent/client.ts' &&
        target !== 'tables/canonical.ts' &&
        target !== 'tables/version-order.ts' &&
        !(typeOnly && /^\w+\/types\.ts$/.test(target)),
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it('do not import their own index', () => {
    const wrong = imports.filter(
      ({ file, room, target }) => target === `${room}/index.ts` && file !== target,
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it('swarm takes only types from secure', () => {
    const wrong = imports.filter(
      ({ room, target, typeOnly }) => room === 'swarm' && roomOf(target) === 'secure' && !typeOnly,
    );
    expect(wrong.map(shown)).toEqual([]);
  });

  it('wire, secure and swarm name no socket, timer, clock or randomness', () => {
    const forbidden =
      /\b(?:Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|randomBytes|getRandomValues|node:(?:net|timers|dgram|tls|http))\b/;
    const wrong = files
      .filter((file) => ['base', 'wire', 'secure', 'swarm'].includes(roomOf(file)))
      .flatMap((file) =>
        withoutComments(readFileSync(join(SRC, file), 'utf8'))
          .split('\n')
          .filter((line) => forbidden.test(line))
          .map((line) => `${file}: ${line.trim()}`),
      );
    expect(wrong).toEqual([]);
  });
});

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const pattern =
    /(?:import|export)\s+(type\s)?[^'"`;]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)|import\s+'(\.[^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => ({
    file,
    room: roomOf(file),
    target: relative(SRC, resolve(SRC, dirname(file), (match[2] ?? match[3] ?? match[4])!)),
    typeOnly: match[1] !== undefined,
  }));
}

function roomOf(file: string): string {
  return file.split('/')[0]!;
}

function shown({ file, target }: Import): string {
  return `${file} -> ${target}`;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');
}
