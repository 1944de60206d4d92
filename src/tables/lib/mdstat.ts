/** Software RAID as /proc/mdstat tells it (md(4)). */
import { TableAbsentError } from '../types.ts';
import { readText, type Rooted } from './files.ts';

export interface MdArray {
  readonly name: string;
  /** active, inactive, with what is said in brackets behind it. */
  readonly status: string;
  /** As written, e.g. raid1; empty for an inactive array. */
  readonly level: string;
  readonly drives: readonly MdDrive[];
  /** The lines below the first, trimmed. */
  readonly details: readonly string[];
}

export interface MdDrive {
  readonly name: string;
  readonly slot: number;
  /** Letters in brackets: F faulty, S spare, W write-mostly, J journal, R replacement. */
  readonly marks: string;
}

export interface Mdstat {
  readonly personalities: readonly string[];
  readonly arrays: readonly MdArray[];
  readonly unused: string;
}

/** @throws TableError where the kernel has no software RAID */
export function readMdstat(context: Rooted): Mdstat {
  const content = readText(context, '/proc/mdstat');
  if (content === undefined) {
    throw new TableAbsentError('this kernel has no software RAID: there is no /proc/mdstat');
  }
  return parseMdstat(content);
}

export function parseMdstat(content: string): Mdstat {
  const arrays: (MdArray & { details: string[] })[] = [];
  let personalities: string[] = [];
  let unused = '';
  for (const line of content.split('\n')) {
    const head = /^(\S[^:]*?) : (.*)$/.exec(line);
    if (head?.[1] === 'Personalities')
      personalities = [...head[2]!.matchAll(/\[(\w+)\]/g)].map((m) => m[1]!);
    else if (line.startsWith('unused devices:')) unused = line.slice(15).trim();
    else if (head !== null) arrays.push({ ...parseHead(head[1]!, head[2]!), details: [] });
    else if (line.trim() !== '') arrays.at(-1)?.details.push(line.trim());
  }
  return { personalities, arrays, unused };
}

/** `active (auto-read-only) raid1 sdb1[1](F) sda1[0]` */
function parseHead(name: string, rest: string): MdArray {
  const match = /^((?:in)?active(?: \([^)]*\))*) ?((?:raid\d+|linear|multipath|faulty)?)/.exec(
    rest,
  );
  const drives = [...rest.matchAll(/(\S+?)\[(\d+)\]((?:\([A-Z]\))*)/g)].map((drive) => ({
    name: drive[1]!,
    slot: Number(drive[2]),
    marks: drive[3]!.replace(/[()]/g, ''),
  }));
  return { name, status: match?.[1] ?? rest, level: match?.[2] ?? '', drives, details: [] };
}
