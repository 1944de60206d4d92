// Writes test/tables/canonical.json, the vectors of docs/protocol.md section 11: npx tsx scripts/canonical-vectors.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeCanonicalVectors } from '../test/tables/canonical-vectors.ts';

const path = fileURLToPath(new URL('../test/tables/canonical.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(makeCanonicalVectors(), null, 2)}\n`);
