// Writes docs/tables.md from the declarations in src/tables: `node scripts/run.mjs scripts/tables-doc.ts`.
import { writeFileSync } from 'node:fs';

import { allTables, describeTables } from '../src/tables/index.ts';

writeFileSync(new URL('../docs/tables.md', import.meta.url), describeTables(allTables));
