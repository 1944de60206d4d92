/** Debian control files (deb822(5)): paragraphs of `Field: value`, as dpkg's status and apt's lists. */

/** Field names in lower case to values; lines of a value that goes on are joined by line ends. */
export type Paragraph = ReadonlyMap<string, string>;

/**
 * The paragraphs of a control file, lazily. Comment lines are left out; a line that is neither a
 * field nor goes on with one is passed over.
 */
export function* paragraphs(text: string): Generator<Paragraph> {
  let current = new Map<string, string>();
  let field: string | undefined;
  for (const line of eachLine(text)) {
    if (line.trim() === '') {
      if (current.size > 0) yield current;
      current = new Map();
      field = undefined;
    } else if (line.startsWith(' ') || line.startsWith('\t')) {
      if (field !== undefined) current.set(field, `${current.get(field)}\n${line.trim()}`);
    } else if (!line.startsWith('#')) {
      const at = line.indexOf(':');
      field = at > 0 ? line.slice(0, at).toLowerCase() : undefined;
      if (field !== undefined) current.set(field, line.slice(at + 1).trim());
    }
  }
  if (current.size > 0) yield current;
}

/** Without the array that split would make of a list of 60,000 packages. */
function* eachLine(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    if (end < 0) break;
    yield text.slice(start, end);
    start = end + 1;
  }
  if (start < text.length) yield text.slice(start);
}
