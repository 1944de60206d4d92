/** `[[:digit:]]` and its like in expressions, which osquery's engine knows and ECMAScript does not. */

/**
 * An expression with its POSIX classes written out, for ASCII as in the C locale.
 * @throws Error for a class there is not
 */
export function withoutPosixClasses(source: string): string {
  if (!source.includes('[:')) return source;
  return source.replace(ESCAPE_OR_SET, (part) =>
    part.startsWith('[')
      ? part.replace(/\\[^]|\[:(\^?)(\w*):\]/g, (all, not: string | undefined, name: string) =>
          not === undefined ? all : membersOf(name, not),
        )
      : part,
  );
}

function membersOf(name: string, not: string): string {
  const members = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined;
  if (members === undefined || not !== '') {
    throw new Error(`there is no class [:${not}${name}:] in expressions`);
  }
  return members;
}

const ESCAPE_OR_SET = /\\[^]|\[\^?(?:\[:\^?\w*:\]|\\[^]|[^\]\\])*\]/g;
const CLASSES: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  d: '0-9',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  s: ' \\t-\\r',
  space: ' \\t-\\r',
  upper: 'A-Z',
  w: 'A-Za-z0-9_',
  xdigit: '0-9A-Fa-f',
};
