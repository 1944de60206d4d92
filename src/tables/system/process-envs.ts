import { integer, text } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { readText } from '../lib/files.ts';
import { pidsOf, warnOthersHidden } from '../lib/proc.ts';
import type { LookupTable, Row } from '../types.ts';

export const processEnvs: LookupTable = {
  kind: 'lookup',
  name: 'process_envs',
  description: 'Environment variables that processes were started with; these often hold secrets.',
  cost: 'moderate',
  sensitive: true,
  key: ['pid', 'key'],
  columns: [
    integer('pid', 'Process id.', { index: true }),
    text('key', 'Name of the variable.'),
    text('value', 'Its value.'),
  ],
  *lookup(context): Generator<Row> {
    if (eqIntegers(context, 'pid') === undefined) warnOthersHidden(context, 'variables');
    for (const pid of pidsOf(context)) {
      const content = readText(context, `/proc/${pid}/environ`) ?? '';
      for (const entry of content.split('\0')) {
        const at = entry.indexOf('=');
        if (at > 0) yield { pid, key: entry.slice(0, at), value: entry.slice(at + 1) };
      }
    }
  },
};
