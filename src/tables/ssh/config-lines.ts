/** Lines of OpenSSH's configuration files, sshd_config(5) and ssh_config(5). */

export interface ConfigLine {
  /** In lower case. */
  readonly keyword: string;
  /** Without quotes. */
  readonly words: readonly string[];
  /** Counted from 1. */
  readonly line: number;
}

/** The lines that say something; a `#` at the beginning of a word begins a comment. */
export function configLines(content: string): ConfigLine[] {
  return content.split('\n').flatMap((text, index) => {
    const match = /^\s*"?([A-Za-z][A-Za-z0-9]*)"?(?:\s*=\s*|\s+|$)(.*)$/.exec(text);
    if (match === null) return [];
    return [{ keyword: match[1]!.toLowerCase(), words: splitWords(match[2]!), line: index + 1 }];
  });
}

/** OpenSSH's argv_split: single and double quotes, backslashes before quotes, backslashes and blanks. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at]!)) at++;
    else if (text[at] === '#') break;
    else {
      let word = '';
      let quote = '';
      for (; at < text.length && (quote !== '' || !/\s/.test(text[at]!)); at++) {
        const char = text[at]!;
        const escapes = `"'\\${quote === '' ? ' ' : ''}`;
        if (char === '\\' && at + 1 < text.length && escapes.includes(text[at + 1]!))
          word += text[++at]!;
        else if (quote === '' && /["']/.test(char)) quote = char;
        else if (char === quote) quote = '';
        else word += char;
      }
      words.push(word);
    }
  }
  return words;
}

/** Words as a text that splits to them again. */
export function joinWords(words: readonly string[]): string {
  return words.map((word) => (/[\s"'#]|^$/.test(word) ? JSON.stringify(word) : word)).join(' ');
}

/** match_pattern_list of OpenSSH: patterns parted by commas; one with ! in front forbids. */
export function matchesList(text: string, list: string): boolean {
  let matched = false;
  for (const pattern of list.split(',')) {
    const not = pattern.startsWith('!');
    const source = pattern
      .slice(not ? 1 : 0)
      .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.');
    if (!new RegExp(`^${source}$`, 's').test(text)) continue;
    if (not) return false;
    matched = true;
  }
  return matched;
}
