/** `backup` in config.yaml: backups that the hub of this host makes by itself. */
import { isAbsolute } from 'node:path';

export interface BackupConfig {
  readonly everyMs: number;
  readonly folder: string;
  readonly keep: number;
  readonly verify: boolean;
}

const WANTED =
  'a map with folder (an absolute path), every (10m to 31d, 1d when left out), keep (1 to 1000, 7) and ' +
  'verify (true), e.g. {every: 1d, folder: /backup, keep: 7, verify: true}';
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const EVERY_MS_MIN = 600_000;
const EVERY_MS_MAX = 31 * 86_400_000;
const KEEP_MAX = 1000;

/** @throws Error that says what is allowed */
export function readBackup(value: unknown): BackupConfig | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error(WANTED);
  const known = value as Record<string, unknown>;
  const { every = '1d', folder, keep = 7, verify = true, ...others } = known;
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(String(every)) ?? [];
  const everyMs = Number(amount) * (UNITS[unit ?? ''] ?? NaN);
  const isGood =
    Object.keys(others).length === 0 &&
    typeof folder === 'string' &&
    isAbsolute(folder) &&
    everyMs >= EVERY_MS_MIN &&
    everyMs <= EVERY_MS_MAX &&
    Number.isInteger(keep) &&
    Number(keep) >= 1 &&
    Number(keep) <= KEEP_MAX &&
    typeof verify === 'boolean';
  if (!isGood) throw new Error(WANTED);
  return { everyMs, folder, keep: Number(keep), verify };
}
