/** dpkg's database of installed packages, dpkg-query(1): /var/lib/dpkg/status and status.d. */
import { TableAbsentError, TableError } from '../types.ts';
import { describeCode, listDir, readText, tryRead, type Rooted } from '../lib/files.ts';
import { paragraphs, type Paragraph } from './control-file.ts';

/**
 * A paragraph for each package that dpkg knows and that is not wholly absent, those of which only
 * configuration files are left included, as osquery lists them.
 * @throws TableError when the host has no dpkg database
 */
export function* dpkgPackages(context: Rooted, admindir = ADMINDIR): Generator<Paragraph> {
  for (const text of statusTexts(context, admindir)) {
    for (const paragraph of paragraphs(text)) {
      if (!paragraph.has('package')) continue;
      const state = paragraph.get('status')?.split(' ')[2];
      if (state !== 'not-installed') yield paragraph;
    }
  }
}

/** Distroless images have no status file but one file a package in status.d. */
function statusTexts(context: Rooted, admindir: string): string[] {
  const status = tryRead(context, `${admindir}/status`, { bytesMax: STATUS_BYTES_MAX });
  const parts = listDir(context, `${admindir}/status.d`)
    .filter((name) => !name.endsWith('.md5sums'))
    .flatMap((name) => readText(context, `${admindir}/status.d/${name}`) ?? []);
  if (status.ok) return [status.bytes.toString('utf8'), ...parts];
  if (parts.length > 0) return parts;
  const Missing = status.code === 'ENOENT' ? TableAbsentError : TableError;
  throw new Missing(
    `no dpkg database on this host: cannot read ${admindir}/status: ${describeCode(status.code)}`,
  );
}

export const ADMINDIR = '/var/lib/dpkg';
const STATUS_BYTES_MAX = 64 * 1024 * 1024;
