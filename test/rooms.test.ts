/**
 * Arrows point up the list only (docs/architecture.md): a room imports the rooms below it, through their
 * index, and a folder of a room the folders that the table says.
 */
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

/**
 * Folders of a room and which of its other folders each may import; of the files beside them only those
 * in BESIDE, since the rest stands above the folders. A room that is not here has none, or they are free.
 */
const FOLDERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  swarm: {
    engine: [],
    links: ['engine'],
    members: ['engine', 'links'],
    mesh: ['engine', 'links', 'members'],
    trust: ['engine', 'links', 'members'],
    requests: ['engine', 'links', 'members', 'mesh', 'trust'],
    audit: ['engine', 'links', 'members'],
    wiring: ['engine', 'links', 'members', 'mesh', 'trust', 'requests', 'audit'],
  },
  agent: {
    state: [],
    watch: [],
    operator: ['state'],
    actions: ['state', 'operator'],
    history: ['state'],
    config: ['state', 'actions', 'history', 'watch'],
    requests: ['state', 'operator', 'actions', 'history'],
    control: ['state', 'operator', 'actions', 'history', 'requests'],
    doctor: ['state', 'control'],
    setup: ['state', 'operator', 'config', 'control'],
  },
  hub: {
    database: [],
    postgres: ['database'],
    schema: ['database'],
    queue: ['database'],
    alerts: ['database'],
    history: ['database', 'queue'],
    desired: ['database'],
    audit: ['database', 'alerts'],
    backup: ['database', 'postgres', 'schema'],
    doctor: ['database', 'schema', 'queue'],
  },
};
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  swarm: ['alarm-kinds.ts', 'errors.ts', 'tuning.ts', 'types.ts'],
  agent: ['answer.ts', 'errors.ts', 'log.ts', 'types.ts', 'version.ts'],
  hub: ['errors.ts', 'log.ts', 'parts.ts', 'pulse.ts', 'release.ts', 'wake-loop.ts'],
};

/** Started as processes and threads of their own, by people, programs and their rooms. */
const STARTED = [
  'agent/public.ts',
  'cli/main.ts',
  'net/jpake-worker.ts',
  'query/child.ts',
  'query/reduce-child.ts',
  'secure/public.ts',
];

const SRC = resolve(import.meta.dirname, '../src');

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
  readonly typeOnly: boolean;
  /** Loaded when it is needed: by then all that imports it is loaded. */
  readonly late: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /\.tsx?$/.test(file),
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

  it.each(Object.keys(FOLDERS))('%s has the folders of the table, and their arrows', (room) => {
    const table = FOLDERS[room]!;
    const own = files.filter((file) => roomOf(file) === room).map(folderOf);
    expect([...new Set(own)].filter((folder) => folder !== '').sort()).toEqual(
      Object.keys(table).sort(),
    );
    const wrong = imports.filter(({ file, target }) => {
      if (roomOf(file) !== room || roomOf(target) !== room) return false;
      const [from, to] = [folderOf(file), folderOf(target)];
      if (from === '' || from === to) return false;
      if (to === '') return !BESIDE[room]!.includes(target.slice(room.length + 1));
      return !table[from]!.includes(to);
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it('have no file that nothing imports or starts', () => {
    const used = new Set([...imports.map(({ target }) => target), ...STARTED]);
    expect(files.filter((file) => !used.has(file))).toEqual([]);
  });

  it('have no circle at run time', () => {
    expect(circles(imports.filter(({ typeOnly, late }) => !typeOnly && !late))).toEqual([]);
  });

  it('have no circle by types across folders', () => {
    const across = circles(imports.filter(({ late }) => !late)).filter(
      (circle) => new Set(circle.map((file) => dirname(file))).size > 1,
    );
    expect(across).toEqual([]);
  });

  it('circles are found, of files that import each other over others too', () => {
    const arrow = (file: string, target: string): Import => ({
      file,
      target,
      room: '',
      typeOnly: false,
      late: false,
    });
    const arrows = [arrow('a', 'b'), arrow('b', 'c'), arrow('c', 'a'), arrow('d', 'a')];
    expect(circles(arrows)).toEqual([['a', 'b', 'c']]);
    expect(circles(arrows.slice(1))).toEqual([]);
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
    late: match[3] !== undefined,
  }));
}

/** Sets of files of which each reaches every other one, sorted. */
function circles(arrows: readonly Import[]): string[][] {
  const targets = new Map<string, Set<string>>();
  for (const { file, target } of arrows)
    targets.set(file, (targets.get(file) ?? new Set()).add(target));
  const reached = new Map([...targets.keys()].map((file) => [file, reachable(file, targets)]));
  const found = new Map<string, string[]>();
  for (const [file, from] of reached) {
    if (!from.has(file)) continue;
    const circle = [...from].filter((other) => reached.get(other)?.has(file)).sort();
    found.set(circle[0]!, circle);
  }
  return [...found.values()].sort();
}

function reachable(file: string, targets: ReadonlyMap<string, ReadonlySet<string>>): Set<string> {
  const seen = new Set<string>();
  const open = [file];
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const target of targets.get(next) ?? [])
      if (!seen.has(target)) {
        seen.add(target);
        open.push(target);
      }
  return seen;
}

/** Of a file in its room; empty for the files beside the folders. */
function folderOf(file: string): string {
  const parts = file.split('/');
  return parts.length > 2 ? parts[1]! : '';
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
