/** Where the compiled entry point of a child process is, from src as from dist. */
import { fileURLToPath } from 'node:url';

/** Path of dist/query/NAME.js. */
export function compiled(name: string): string {
  const here = import.meta.url.replace(/\/src\/query\/[^/]*$/, '/dist/query/');
  return fileURLToPath(new URL(`${name}.js`, here));
}
