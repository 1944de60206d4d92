/** Lines and fields of the text files a host is configured and described by. */

/** The lines that are not empty, without line ends. */
export function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}

/** Fields between runs of blanks. */
export function fields(line: string): string[] {
  const trimmed = line.trim();
  return trimmed === '' ? [] : trimmed.split(/[ \t]+/);
}

/** `key<separator>value` lines to a map; the first of a repeated key is kept. */
export function keyValues(text: string, separator: ':' | '='): Map<string, string> {
  const map = new Map<string, string>();
  for (const line of lines(text)) {
    const at = line.indexOf(separator);
    if (at < 1) continue;
    const key = line.slice(0, at).trim();
    if (!map.has(key)) map.set(key, line.slice(at + 1).trim());
  }
  return map;
}

/** What stands before a `#`, trimmed: empty for a comment. */
export function withoutComment(line: string): string {
  const at = line.indexOf('#');
  return (at < 0 ? line : line.slice(0, at)).trim();
}

/** A value in single or double quotes, as in os-release, without them. */
export function unquote(value: string): string {
  const match = /^(["'])(.*)\1$/s.exec(value);
  return match === null ? value : match[2]!.replace(/\\(["'$`\\])/g, '$1');
}
