/** JSON files in users' profiles, whose content is not to be trusted. */
import type { HomeFiles } from '../accounts/homes.ts';
import { parseJson, type Json } from '../lib/json.ts';

/** A file of a home parsed; undefined when there is none or it is no JSON. */
export function readJson(files: HomeFiles, relative: string): Json | undefined {
  const content = files.text(relative);
  if (content === undefined) return undefined;
  try {
    return parseJson(content);
  } catch {
    return undefined;
  }
}
