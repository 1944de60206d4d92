/** Started by embedded.test.ts as a process to kill: prints the server's pid, then lives. */
import { EmbeddedPostgres } from '../../../src/hub/postgres/embedded.ts';

const [dataDir, homeForRoot, graceMs] = process.argv.slice(2);
const server = await EmbeddedPostgres.start({
  dataDir: dataDir!,
  homeForRoot: homeForRoot!,
  orphanGraceMs: Number(graceMs),
});
console.log(server.pid);
setInterval(() => undefined, 60_000);
