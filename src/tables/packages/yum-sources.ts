/** yum_sources: the repositories yum and dnf are told to use. */
import { pidWithNamespace, text } from '../lib/columns.ts';
import { listDir, readText } from '../lib/files.ts';
import { lines } from '../lib/text.ts';
import { withoutSecrets } from '../lib/urls.ts';
import type { Row, SnapshotTable } from '../types.ts';

export const yumSources: SnapshotTable = {
  name: 'yum_sources',
  description: 'Repositories of yum and dnf, from /etc/yum.conf, dnf.conf and yum.repos.d.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['name', 'source'],
  columns: [
    text('name', 'Name of the repository.', { unset: true }),
    text('source', 'The file it stands in.'),
    text('baseurl', 'Its address; without user and password, as the others.', { unset: true }),
    text('mirrorlist', 'Address of a list of mirrors.', { unset: true }),
    text('metalink', 'Address of a metalink.', { unset: true }),
    text('enabled', 'Whether it is used, as written.', { unset: true }),
    text('gpgcheck', 'Whether signatures are checked, as written.', { unset: true }),
    text('gpgkey', 'Address of the key.', { unset: true }),
    pidWithNamespace(),
  ],
  collect(context) {
    const repos = listDir(context, '/etc/yum.repos.d')
      .filter((name) => name.endsWith('.repo'))
      .map((name) => `/etc/yum.repos.d/${name}`);
    return ['/etc/yum.conf', '/etc/dnf/dnf.conf', ...repos].flatMap((source) =>
      [...sections(readText(context, source) ?? '')]
        .filter(([section]) => section !== 'main')
        .map(([section, values]) => toRow(section, values, source)),
    );
  },
};

function toRow(section: string, values: ReadonlyMap<string, string>, source: string): Row {
  return {
    name: values.get('name') ?? section,
    source,
    ...Object.fromEntries(
      KEYS.flatMap((key) => (values.has(key) ? [[key, withoutSecrets(values.get(key)!)]] : [])),
    ),
  };
}

/** An ini file; lines that begin with a blank go on with the value above. */
function sections(content: string): Map<string, Map<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let values: Map<string, string> | undefined;
  let key = '';
  for (const line of lines(content)) {
    const section = /^\[([^\]]+)\]/.exec(line)?.[1];
    const setting = /^([A-Za-z_]\w*)\s*[=:]\s*(.*)$/.exec(line);
    if (section !== undefined) {
      values = found.get(section) ?? new Map<string, string>();
      found.set(section, values);
    } else if (/^\s+\S/.test(line) && values?.has(key)) {
      values.set(key, `${values.get(key)} ${line.trim()}`);
    } else if (setting !== null) {
      key = setting[1]!;
      values?.set(key, setting[2]!.trim());
    }
  }
  return found;
}

const KEYS = ['baseurl', 'mirrorlist', 'metalink', 'enabled', 'gpgcheck', 'gpgkey'] as const;
