import { elsewhere, text } from '../lib/columns.ts';
import { eqTexts, wants } from '../lib/constraints.ts';
import { listDir, readText, statOf, tryRead, type Rooted } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';

export const systemControls: LookupTable = {
  kind: 'lookup',
  name: 'system_controls',
  description: 'Kernel settings of sysctl(8), from /proc/sys and the sysctl.conf files.',
  cost: 'moderate',
  key: ['name'],
  columns: [
    text('name', 'Name as sysctl writes it: dots between parts, / for a dot within one.', {
      index: true,
    }),
    text('oid', 'Number of the setting; Linux has none, always empty.', { additional: true }),
    text('subsystem', 'First part of the name.', { additional: true }),
    text('current_value', 'Value in force; NULL when it may not be read.'),
    text('config_value', 'Value that sysctl.conf and sysctl.d set at start.'),
    text('type', 'Always string: the kernel does not tell types.'),
    elsewhere('darwin', text('field_name', 'Attribute of an opaque type')),
  ],
  *lookup(context): Generator<Row> {
    const configured = wants(context, 'config_value') ? readConfigured(context) : undefined;
    for (const path of pathsAsked(context)) {
      const name = nameOf(path);
      yield {
        name,
        oid: '',
        subsystem: name.split('.')[0]!,
        current_value: wants(context, 'current_value') ? currentValue(context, path) : null,
        config_value: configured?.get(name) ?? null,
        type: 'string',
      };
    }
  },
};

/** Paths below /proc/sys that the constraints leave. */
function* pathsAsked(context: CollectContext): Generator<string> {
  const names = eqTexts(context, 'name');
  if (names !== undefined) {
    for (const path of names.map(pathOf)) {
      if (statOf(context, `${BASE}/${path}`)?.isFile()) yield path;
    }
    return;
  }
  for (const top of eqTexts(context, 'subsystem') ?? listDir(context, BASE)) {
    if (!top.includes('/') && top !== '..') yield* settingsBelow(context, top);
  }
}

function* settingsBelow(context: Rooted, path: string): Generator<string> {
  const stat = statOf(context, `${BASE}/${path}`);
  if (stat?.isFile()) yield path;
  else if (stat?.isDirectory()) {
    for (const name of listDir(context, `${BASE}/${path}`)) {
      yield* settingsBelow(context, `${path}/${name}`);
    }
  }
}

function nameOf(path: string): string {
  return path.replace(/[./]/g, (char) => (char === '/' ? '.' : '/'));
}

/** A part `..` could leave /proc/sys: such a name has no path. */
function pathOf(name: string): string {
  const path = name.replace(/[./]/g, (char) => (char === '/' ? '.' : '/'));
  return path.split('/').includes('..') ? '' : path;
}

function currentValue(context: Rooted, path: string): string | null {
  const result = tryRead(context, `${BASE}/${path}`, { bytesMax: VALUE_BYTES_MAX });
  return result.ok ? result.bytes.toString('utf8').trimEnd() : null;
}

/** As sysctl.d(5): of files with the same name the first folder's counts; sorted; sysctl.conf last. */
function readConfigured(context: Rooted): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of CONFIG_FOLDERS) {
    for (const name of listDir(context, folder)) {
      if (name.endsWith('.conf') && !files.has(name)) files.set(name, `${folder}/${name}`);
    }
  }
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, path]) => path);
  const values = new Map<string, string>();
  for (const path of [...sorted, '/etc/sysctl.conf']) {
    for (const line of lines(readText(context, path) ?? '')) {
      const match = /^\s*-?([^#;=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
      if (match !== null) values.set(dotted(match[1]!), match[2]!);
    }
  }
  return values;
}

/** `net/ipv4/ip_forward` is a way of writing too: the first separator tells which. */
function dotted(key: string): string {
  return /^[^.]*\//.test(key) ? nameOf(key) : key;
}

const BASE = '/proc/sys';
const VALUE_BYTES_MAX = 64 * 1024;
const CONFIG_FOLDERS = [
  '/etc/sysctl.d',
  '/run/sysctl.d',
  '/usr/local/lib/sysctl.d',
  '/usr/lib/sysctl.d',
];
