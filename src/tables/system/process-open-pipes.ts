import { bigint, text } from '../lib/columns.ts';
import { readText, statOf, type Rooted } from '../lib/files.ts';
import { blockingMounts, isBelow } from '../lib/mounts.ts';
import { allPids, descriptorsOf, warnOthersHidden } from '../lib/proc.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const processOpenPipes: SnapshotTable = {
  kind: 'snapshot',
  name: 'process_open_pipes',
  description: 'Pipes that processes have open, each with every process at its other end.',
  cost: 'expensive',
  key: ['pid', 'fd', 'partner_pid', 'partner_fd'],
  columns: [
    bigint('pid', 'Process id.'),
    bigint('fd', 'File descriptor.'),
    text('mode', 'r for the reading end, w for the writing end, rw for both.'),
    bigint('inode', 'Inode of the pipe.'),
    text('type', 'named or unnamed.'),
    bigint('partner_pid', 'Process at the other end; NULL when there is none to be seen.'),
    bigint('partner_fd', 'Its file descriptor.'),
    text('partner_mode', 'Its mode.', { unset: true }),
  ],
  collect(context): Row[] {
    warnOthersHidden(context, 'pipes');
    const ends = [...pipeEnds(context)];
    const byPipe = new Map<string, PipeEnd[]>();
    for (const end of ends) byPipe.set(end.pipe, [...(byPipe.get(end.pipe) ?? []), end]);
    return ends.flatMap((end) => {
      const partners = byPipe.get(end.pipe)!.filter((other) => joins(end, other));
      const row = { pid: end.pid, fd: end.fd, mode: end.mode, inode: end.inode, type: end.type };
      if (partners.length === 0) return [row];
      return partners.map(({ pid, fd, mode }) => ({
        ...row,
        partner_pid: pid,
        partner_fd: fd,
        partner_mode: mode,
      }));
    });
  },
};

interface PipeEnd {
  readonly pid: number;
  readonly fd: number;
  readonly mode: 'r' | 'w' | 'rw';
  readonly inode: number;
  readonly type: 'named' | 'unnamed';
  /** What is the same for both ends: inode numbers alone repeat between file systems. */
  readonly pipe: string;
}

function* pipeEnds(context: Rooted): Generator<PipeEnd> {
  const mayHang = blockingMounts(context);
  for (const pid of allPids(context)) {
    for (const { fd, target } of descriptorsOf(context, pid)) {
      const pipe = identify(context, pid, fd, target, mayHang);
      if (pipe !== undefined) yield { pid, fd, mode: modeOf(context, pid, fd), ...pipe };
    }
  }
}

function identify(
  context: Rooted,
  pid: number,
  fd: number,
  target: string,
  mayHang: readonly string[],
): Pick<PipeEnd, 'inode' | 'type' | 'pipe'> | undefined {
  const match = /^pipe:\[(\d+)\]$/.exec(target);
  if (match !== null) return { inode: Number(match[1]), type: 'unnamed', pipe: target };
  if (!target.startsWith('/') || isBelow(target, mayHang)) return undefined;
  const stat = statOf(context, `/proc/${pid}/fd/${fd}`);
  if (stat?.isFIFO() !== true) return undefined;
  return { inode: stat.ino, type: 'named', pipe: `${stat.dev}:${stat.ino}` };
}

/** The access mode is in the last two bits of the flags in fdinfo, which are octal. */
function modeOf(context: Rooted, pid: number, fd: number): PipeEnd['mode'] {
  const info = readText(context, `/proc/${pid}/fdinfo/${fd}`) ?? '';
  const flags = parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8);
  return (['r', 'w', 'rw', 'rw'] as const)[flags & 3]!;
}

function joins(end: PipeEnd, other: PipeEnd): boolean {
  return end !== other && (end.mode !== other.mode || end.mode === 'rw');
}
