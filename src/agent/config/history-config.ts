/** `history` in config.yaml: how much a host keeps for a hub that is away. */
import type { JournalBounds } from '../history/journal.ts';

const DEFAULTS: JournalBounds = { bytes: 64 * 2 ** 20, ageMs: 30 * 86_400_000 };
const WANTED =
  'a map with journal_bytes from 1MiB to 16GiB and journal_age from 1h to 1000d, e.g. {journal_bytes: 64MiB, journal_age: 30d}';

/** @throws Error that says what is allowed */
export function readHistoryBounds(value: unknown): JournalBounds {
  if (value === undefined || value === null) return DEFAULTS;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(WANTED);
  const { journal_bytes: bytes, journal_age: age, ...others } = value as Record<string, unknown>;
  if (Object.keys(others).length > 0) throw new Error(WANTED);
  return {
    bytes: bytes === undefined ? DEFAULTS.bytes : within(sizeOf(bytes), 2 ** 20, 16 * 2 ** 30),
    ageMs: age === undefined ? DEFAULTS.ageMs : within(timeOf(age), 3_600_000, 1000 * 86_400_000),
  };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  h: 3_600_000,
  d: 86_400_000,
};

function sizeOf(value: unknown): number {
  return amount(value, /^(\d{1,15})(|KiB|MiB|GiB)$/);
}

function timeOf(value: unknown): number {
  return amount(value, /^(\d{1,6})(h|d)$/);
}

function amount(value: unknown, form: RegExp): number {
  const found = form.exec(String(value));
  if (found === null) throw new Error(WANTED);
  return Number(found[1]) * UNITS[found[2]!]!;
}

function within(value: number, least: number, most: number): number {
  if (value < least || value > most) throw new Error(WANTED);
  return value;
}
