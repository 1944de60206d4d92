import { integer, text } from '../lib/columns.ts';
import { readCpus } from '../lib/cpuinfo.ts';
import { type Row, type SnapshotTable, TableAbsentError } from '../types.ts';

export const cpuid: SnapshotTable = {
  kind: 'snapshot',
  name: 'cpuid',
  description: 'Features of an x86 processor by their CPUID bits, as the kernel found them.',
  cost: 'cheap',
  key: ['feature'],
  columns: [
    text('feature', 'Name of the feature; vendor for the maker.'),
    text('value', '1 when present, 0 when not, or text.'),
    text('output_register', 'Register that CPUID returns it in.'),
    integer('output_bit', 'Bit of the register.'),
    text('input_eax', 'Value of EAX that CPUID is called with.'),
  ],
  collect(context): Row[] {
    const cpu = readCpus(context).find((candidate) => candidate.has('flags'));
    if (cpu === undefined) throw new TableAbsentError('CPUID is of x86 processors; this is none');
    const flags = new Set(cpu.get('flags')!.split(' '));
    const vendor = {
      feature: 'vendor',
      value: cpu.get('vendor_id') ?? '',
      output_register: 'ebx,edx,ecx',
      output_bit: 0,
      input_eax: '0',
    };
    return [vendor, ...FEATURES.map((feature) => featureRow(feature, flags))];
  },
};

type Feature = readonly [name: string, flag: string, register: string, bit: number, eax: string];

function featureRow([name, flag, register, bit, eax]: Feature, flags: Set<string>): Row {
  return {
    feature: name,
    value: flags.has(flag) ? '1' : '0',
    output_register: register,
    output_bit: bit,
    input_eax: eax,
  };
}

/** Intel's manual, volume 2, CPUID; the second word is the kernel's name for it. */
const FEATURES: readonly Feature[] = [
  ['pae', 'pae', 'edx', 6, '1'],
  ['msr', 'msr', 'edx', 5, '1'],
  ['mtrr', 'mtrr', 'edx', 12, '1'],
  ['acpi', 'acpi', 'edx', 22, '1'],
  ['sse', 'sse', 'edx', 25, '1'],
  ['sse2', 'sse2', 'edx', 26, '1'],
  ['htt', 'ht', 'edx', 28, '1'],
  ['sse3', 'pni', 'ecx', 0, '1'],
  ['vmx', 'vmx', 'ecx', 5, '1'],
  ['smx', 'smx', 'ecx', 6, '1'],
  ['ssse3', 'ssse3', 'ecx', 9, '1'],
  ['sse4.1', 'sse4_1', 'ecx', 19, '1'],
  ['sse4.2', 'sse4_2', 'ecx', 20, '1'],
  ['aes', 'aes', 'ecx', 25, '1'],
  ['avx', 'avx', 'ecx', 28, '1'],
  ['rdrand', 'rdrand', 'ecx', 30, '1'],
  ['hypervisor', 'hypervisor', 'ecx', 31, '1'],
  ['sgx', 'sgx', 'ebx', 2, '7'],
  ['avx2', 'avx2', 'ebx', 5, '7'],
  ['smep', 'smep', 'ebx', 7, '7'],
  ['erms', 'erms', 'ebx', 9, '7'],
  ['avx512f', 'avx512f', 'ebx', 16, '7'],
  ['rdseed', 'rdseed', 'ebx', 18, '7'],
  ['smap', 'smap', 'ebx', 20, '7'],
  ['sha', 'sha_ni', 'ebx', 29, '7'],
];
