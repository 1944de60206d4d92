/** Events of the Linux audit system in auditd's own log, auditd.conf(5), rotated files too. */
import { describeCode, tryRead } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import { TableError, type CollectContext, type Row } from '../types.ts';

/** The records of one event, which share its number. */
export interface AuditEvent {
  /** `seconds.milliseconds:serial`, as ausearch -a knows it by its last part. */
  readonly id: string;
  /** Seconds since 1970. */
  readonly time: number;
  /** Record type to the fields of each record of it. */
  readonly records: ReadonlyMap<string, readonly Fields[]>;
  /** Fields of its SYSCALL record. */
  readonly syscall: Fields;
}

/** Values as they stand in the log. */
export type Fields = ReadonlyMap<string, string>;

/** System calls by name, as numbers of each architecture (the `arch` field). */
export type Syscalls = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface AuditTable {
  readonly syscalls: Syscalls;
  /** What auditd must be told to log them, for people. */
  readonly rule: string;
  /** None for an event that the table leaves out. */
  rowsOf(event: AuditEvent): Row[];
  /** The row that says how many older ones are not shown, of the time of the newest of them. */
  overflow(lost: number, time: number): Row;
}

/**
 * The newest events of a table, oldest first, and before them what tells of those that are left out.
 * The log keeps them, so every asker sees the same ones.
 * @throws TableError where auditd keeps no log, or it may not be read
 */
export function auditRows(context: CollectContext, table: AuditTable): Row[] {
  const rows: Row[] = [];
  let lost = { count: 0, time: 0 };
  for (const content of auditLogs(context, table.rule)) {
    // Files come with the newest first.
    const found = parseAudit(content, table.syscalls).flatMap((event) => table.rowsOf(event));
    const room = EVENTS_MAX - rows.length;
    const left = found.slice(0, Math.max(0, found.length - room));
    lost = {
      count: lost.count + left.length,
      time: Math.max(lost.time, Number(left.at(-1)?.['time'] ?? 0)),
    };
    rows.unshift(...found.slice(left.length));
  }
  if (rows.length === 0) context.warn(`auditd has logged none; the rule for it is ${table.rule}`);
  if (lost.count === 0) return rows;
  context.warn(`only the newest ${EVENTS_MAX} events: ${lost.count} older ones are in ${LOG}*`);
  return [table.overflow(lost.count, lost.time), ...rows];
}

/** The log's files, the newest first. */
function* auditLogs(context: CollectContext, rule: string): Generator<string> {
  let bytesLeft = BYTES_MAX;
  for (let number = 0; number <= FILES_MAX && bytesLeft > 0; number++) {
    context.signal.throwIfAborted();
    const path = number === 0 ? LOG : `${LOG}.${number}`;
    const result = tryRead(context, path, { bytesMax: bytesLeft, last: true });
    if (!result.ok) {
      if (number > 0) return;
      throw new TableError(
        `cannot read ${LOG}: ${describeCode(result.code)}; this table is auditd’s log: install package auditd ` +
          `(audit on other distributions) and give it the rule ${rule}`,
      );
    }
    bytesLeft -= result.bytes.length;
    if (result.truncated) context.warn(`only the last ${BYTES_MAX} bytes of ${LOG}* are read`);
    yield result.bytes.toString('utf8');
  }
}

/** Lines of the log, whose records of one event may have others' between them. */
export function parseAudit(content: string, syscalls: Syscalls): AuditEvent[] {
  const events = new Map<string, Map<string, Fields[]>>();
  for (const line of lines(content)) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, type, id, rest] = match;
    // ENRICHED logs have names after a separator, which are as of the logging host.
    const fields = parseFields(rest!.split('\x1d')[0]!);
    if (type === 'SYSCALL') {
      if (nameOf(fields, syscalls) === undefined) continue;
      // Its record comes first, so all others of other events are passed over.
      if (!events.has(id!)) events.set(id!, new Map([[type, [fields]]]));
      continue;
    }
    const event = events.get(id!);
    if (event !== undefined) event.set(type!, [...(event.get(type!) ?? []), fields]);
  }
  return [...events].map(([id, records]) => ({
    id,
    time: Math.floor(Number.parseFloat(id)),
    records,
    syscall: records.get('SYSCALL')![0]!,
  }));
}

/** The name that `syscalls` has for an event's system call. */
export function nameOf(fields: Fields, syscalls: Syscalls): string | undefined {
  return syscalls[fields.get('arch') ?? '']?.[fields.get('syscall') ?? ''];
}

/** A value that may hold any bytes: in quotes, else in hexadecimal; null for `(null)`. */
export function decode(value: string | undefined): string | null {
  if (value === undefined || value === '(null)') return null;
  if (value.startsWith('"')) return value.slice(1, -1);
  return /^(?:[0-9A-F]{2})+$/i.test(value) ? Buffer.from(value, 'hex').toString('utf8') : value;
}

function parseFields(text: string): Fields {
  return new Map([...text.matchAll(FIELD)].map(([, name, value]) => [name!, value!] as const));
}

const LOG = '/var/log/audit/audit.log';
const LINE = /^(?:node=\S+ )?type=(\w+) msg=audit\((\d+\.\d+:\d+)\): ?(.*)$/;
/** A long argument has parts: a2[0]=, a2[1]=. */
const FIELD = /([\w-]+(?:\[\d+\])?)=("[^"]*"|'[^']*'|\S*)/g;
const FILES_MAX = 99;
const EVENTS_MAX = 10_000;
const BYTES_MAX = 64 * 1024 * 1024;
