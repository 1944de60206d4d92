/** Patterns of glob(7), as configuration files name other files and settings by. */
import { exists, listDir, type Rooted } from './files.ts';

/** A pattern as an expression for a whole path, in which no wildcard matches a slash. */
export function globExpression(pattern: string): RegExp {
  const source = pattern.replace(
    /\[([!^]?)(\]?[^\]]*)\]|[\\^$.*+?()[\]{}|]/g,
    (all, not: string | undefined, set: string | undefined) => {
      if (set !== undefined) return `[${not ? '^/' : ''}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
      return all === '*' ? '[^/]*' : all === '?' ? '[^/]' : `\\${all}`;
    },
  );
  return new RegExp(`^${source}$`);
}

export function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** What glob(3) finds, sorted; a leading dot is matched by a dot only. */
export function shellGlob(context: Rooted, pattern: string): string[] {
  let found = [''];
  for (const part of pattern.split('/').slice(1)) {
    if (!isGlob(part)) found = found.map((folder) => `${folder}/${part}`);
    else {
      const expression = globExpression(part);
      found = found.flatMap((folder) =>
        listDir(context, folder || '/')
          .filter((name) => expression.test(name) && (part.startsWith('.') || name[0] !== '.'))
          .map((name) => `${folder}/${name}`),
      );
    }
  }
  return found.filter((path) => exists(context, path));
}
