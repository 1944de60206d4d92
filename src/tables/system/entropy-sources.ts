import { integer, load, text } from '../lib/columns.ts';
import { readCpus } from '../lib/cpuinfo.ts';
import { readAttribute, type Rooted } from '../lib/files.ts';
import { integerOrNull } from '../lib/numbers.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const entropySources: SnapshotTable = {
  kind: 'snapshot',
  name: 'entropy_sources',
  description:
    'Where the machine’s randomness comes from: the kernel’s pool, hardware generators, processor.',
  cost: 'cheap',
  key: ['source'],
  beyondOsquery: true,
  columns: [
    text('source', 'kernel, a generator’s name, or a processor instruction.'),
    text('kind', 'pool, hardware or instruction.'),
    integer('active', '1 when it is in use, 0 when only available.'),
    load(integer('bits', 'Bits of entropy the kernel’s pool holds now.')),
    integer('bits_max', 'Bits of entropy the pool can hold.'),
  ],
  collect(context): Row[] {
    return [poolRow(context), ...generatorRows(context), ...instructionRows(context)];
  },
};

function poolRow(context: Rooted): Row {
  const value = (name: string) => integerOrNull(readAttribute(context, `${RANDOM}/${name}`));
  return {
    source: 'kernel',
    kind: 'pool',
    active: 1,
    bits: value('entropy_avail'),
    bits_max: value('poolsize'),
  };
}

function generatorRows(context: Rooted): Row[] {
  const current = readAttribute(context, `${HW_RANDOM}/rng_current`);
  const available = readAttribute(context, `${HW_RANDOM}/rng_available`)?.split(/\s+/) ?? [];
  const names = available.filter((name) => name !== 'none');
  return names.map((source) => ({
    source,
    kind: 'hardware',
    active: source === current ? 1 : 0,
  }));
}

/** x86 only: other processors show no such flag. The kernel mixes in whichever is there. */
function instructionRows(context: Rooted): Row[] {
  const flags = readCpus(context)[0]?.get('flags')?.split(' ') ?? [];
  return ['rdrand', 'rdseed']
    .filter((name) => flags.includes(name))
    .map((source) => ({ source, kind: 'instruction', active: 1 }));
}

const RANDOM = '/proc/sys/kernel/random';
const HW_RANDOM = '/sys/class/misc/hw_random';
