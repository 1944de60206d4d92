/** /proc/cpuinfo: a block of `key : value` lines for each logical processor. */
import { readText, type Rooted } from './files.ts';
import { keyValues } from './text.ts';

export function readCpus(context: Rooted): Map<string, string>[] {
  return (readText(context, '/proc/cpuinfo') ?? '')
    .split(/\n\s*\n/)
    .map((block) => keyValues(block, ':'))
    .filter((cpu) => cpu.has('processor'));
}
