/** Which files a query asks for: the rules that file, hash and their like share. */
import { eqTexts, patterns } from '../lib/constraints.ts';
import { TableError, type CollectContext } from '../types.ts';
import { findPaths, parentName, statOrNone, toHostPath, type HostPath } from './host-path.ts';
import { withWalk, type Walk } from './walk.ts';

export interface AskedPath {
  readonly path: HostPath;
  /** The folder as the query named it, else the one the path lies in. */
  readonly directory: string;
}

/**
 * The existing paths a query asks for by `path` or `directory`, with =, LIKE or GLOB. When both
 * are constrained, `path` decides and SQLite drops what `directory` excludes.
 * @throws TableError when the query constrains neither
 */
export function askedPaths(context: CollectContext, table: string): Iterable<AskedPath> {
  const paths = eqTexts(context, 'path');
  const directories = eqTexts(context, 'directory');
  const [pathPattern] = patterns(context, 'path');
  const [directoryPattern] = patterns(context, 'directory');
  return withWalk(context, function* (walk) {
    if (paths !== undefined) {
      for (const text of paths) yield* inParent(findPaths(context, text));
    } else if (pathPattern !== undefined) {
      yield* inParent(walk.paths(pathPattern.pattern, pathPattern.op));
    } else if (directories !== undefined) {
      for (const text of directories) yield* inFolder(walk, toHostPath(context, text));
    } else if (directoryPattern !== undefined) {
      for (const folder of walk.paths(directoryPattern.pattern, directoryPattern.op)) {
        if (statOrNone(folder)?.isDirectory()) yield* inFolder(walk, folder);
      }
    } else {
      throw new TableError(
        `table ${table} needs a path or a directory: add for example where path like '/etc/%'`,
      );
    }
  });
}

function* inParent(paths: Iterable<HostPath>): Generator<AskedPath> {
  for (const path of paths) yield { path, directory: parentName(path.text) };
}

function* inFolder(walk: Walk, folder: HostPath | undefined): Generator<AskedPath> {
  if (folder === undefined) return;
  for (const { path } of walk.list(folder)) yield { path, directory: folder.text };
}
