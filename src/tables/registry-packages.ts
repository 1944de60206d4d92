/** The tables of accounts, packages, units, files and what people configure. */
import type { HostTable } from './types.ts';

export const packagesTables: readonly HostTable[] = [];
