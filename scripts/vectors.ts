// Writes test/secure/vectors.json, the test vectors of docs/protocol.md: npx tsx scripts/vectors.ts
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { makeVectors } from '../test/secure/vectors.ts';

const path = fileURLToPath(new URL('../test/secure/vectors.json', import.meta.url));
writeFileSync(path, `${JSON.stringify(await makeVectors(), null, 2)}\n`);
