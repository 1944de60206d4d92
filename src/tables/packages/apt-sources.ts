/** apt_sources: the archives apt is told to use. */
import { pidWithNamespace, text } from '../lib/columns.ts';
import { listDir, readText } from '../lib/files.ts';
import { fields, lines } from '../lib/text.ts';
import { withoutSecrets } from '../lib/urls.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { listPrefix, readRelease } from './apt-lists.ts';
import { paragraphs, type Paragraph } from './control-file.ts';

export const aptSources: SnapshotTable = {
  name: 'apt_sources',
  description: 'Archives of binary packages in sources.list(5), in either of its two forms.',
  kind: 'snapshot',
  cost: 'cheap',
  key: ['name', 'source', 'base_uri'],
  columns: [
    text('name', 'Archive and suite, as "deb.debian.org/debian bookworm".'),
    text('source', 'The file it stands in.'),
    text('base_uri', 'Address of the archive, without user and password.'),
    text('release', 'Code name of the release; NULL until its lists are fetched.', { unset: true }),
    text('version', 'Version of the release; NULL as above.', {
      unset: true,
      collate: 'version_dpkg',
    }),
    text('maintainer', 'Origin the release names; NULL as above.', { unset: true }),
    text('components', 'Components the release has; NULL as above.', { unset: true }),
    text('architectures', 'Architectures the release has; NULL as above.', { unset: true }),
    pidWithNamespace(),
  ],
  collect: (context) =>
    sourceFiles(context).flatMap((path) => {
      const content = readText(context, path) ?? '';
      const suites = path.endsWith('.sources') ? fromDeb822(content) : fromLines(content);
      return suites.map((suite) => toRow(context, path, suite));
    }),
};

interface Suite {
  readonly uri: string;
  readonly suite: string;
}

function sourceFiles(context: CollectContext): string[] {
  const parts = listDir(context, '/etc/apt/sources.list.d')
    .filter((name) => /\.(list|sources)$/.test(name))
    .map((name) => `/etc/apt/sources.list.d/${name}`);
  return ['/etc/apt/sources.list', ...parts];
}

/** `deb [options] uri suite [component...]`. */
function fromLines(content: string): Suite[] {
  return lines(content).flatMap((line) => {
    const words = quotedWords(sourceLine(line));
    return words.length < 2 ? [] : [{ uri: words[0]!, suite: words[1]! }];
  });
}

/** What stands behind `deb` and its options, without a comment; a `#` in brackets begins none. */
function sourceLine(line: string): string {
  const [text] = /^(?:\[[^\]]*\]|[^#])*/.exec(line)!;
  return /^\s*deb\s+(?:\[[^\]]*\])?\s*(.*)$/.exec(text)?.[1] ?? '';
}

/** apt's ParseQuoteWord: blanks in quotes and brackets are of the word, as in `cdrom:[Debian 12]/`. */
function quotedWords(text: string): string[] {
  const words = text.match(/(?:"[^"]*"|\[[^\]]*\]|[^\s"[])+/g) ?? [];
  return words.map((word) =>
    word
      .replaceAll('"', '')
      .replace(/%([0-9a-f]{2})/gi, (_, digits: string) =>
        String.fromCharCode(parseInt(digits, 16)),
      ),
  );
}

function fromDeb822(content: string): Suite[] {
  return [...paragraphs(content)].filter(isUsed).flatMap((paragraph) => {
    const suites = words(paragraph, 'suites');
    return words(paragraph, 'uris').flatMap((uri) => suites.map((suite) => ({ uri, suite })));
  });
}

function isUsed(paragraph: Paragraph): boolean {
  const enabled = paragraph.get('enabled')?.toLowerCase() ?? 'yes';
  return words(paragraph, 'types').includes('deb') && !FALSE.has(enabled);
}

function words(paragraph: Paragraph, field: string): string[] {
  return lines(paragraph.get(field) ?? '').flatMap(fields);
}

function toRow(context: CollectContext, source: string, { uri, suite }: Suite): Row {
  const release = readRelease(context, listPrefix(uri, suite));
  const base = withoutSecrets(uri).replace(/\/+$/, '');
  return {
    name: `${base.replace(/^[^:]+:\/\//, '')} ${suite}`,
    source,
    base_uri: base,
    release: release?.get('codename') ?? null,
    version: release?.get('version') ?? null,
    maintainer: release?.get('origin') ?? null,
    components: release?.get('components') ?? null,
    architectures: release?.get('architectures') ?? null,
  };
}

/** apt's StringToBool. */
const FALSE = new Set(['no', 'false', 'without', 'off', 'disable', '0']);
