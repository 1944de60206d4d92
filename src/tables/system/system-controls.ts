import { elsewhere, text } from '../lib/columns.ts';
import { eqTexts, wants } from '../lib/constraints.ts';
import { listDir, statOf, tryRead, type Rooted } from '../lib/files.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';
import { readSysctlFiles, swapped } from './sysctl-files.ts';

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
    text('oid', 'Number of the setting; Linux has none, always NULL.', {
      unset: true,
      additional: true,
    }),
    text('subsystem', 'First part of the name.', { additional: true }),
    text('current_value', 'Value in force; NULL when it may not be read.', { unset: true }),
    text('config_value', 'Value that sysctl.conf and sysctl.d set at start.', { unset: true }),
    text('type', 'Always string: the kernel does not tell types.'),
    elsewhere('darwin', text('field_name', 'Attribute of an opaque type')),
  ],
  *lookup(context): Generator<Row> {
    const configured = wants(context, 'config_value') ? readSysctlFiles(context) : undefined;
    for (const path of pathsAsked(context)) {
      const name = swapped(path);
      yield {
        name,
        subsystem: name.split('.')[0]!,
        current_value: wants(context, 'current_value') ? currentValue(context, path) : null,
        config_value: configured?.valueOf(path) ?? null,
        type: 'string',
      };
    }
  },
};

/** Paths below /proc/sys that the constraints leave. */
function* pathsAsked(context: CollectContext): Generator<string> {
  const names = eqTexts(context, 'name');
  if (names !== undefined) {
    for (const path of names.map(askedPath)) {
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

/** A part `..` could leave /proc/sys: such a name has no path. */
function askedPath(name: string): string {
  const path = swapped(name);
  return path.split('/').includes('..') ? '' : path;
}

function currentValue(context: Rooted, path: string): string | null {
  const result = tryRead(context, `${BASE}/${path}`, { bytesMax: VALUE_BYTES_MAX });
  return result.ok ? result.bytes.toString('utf8').trimEnd() : null;
}

const BASE = '/proc/sys';
const VALUE_BYTES_MAX = 64 * 1024;
