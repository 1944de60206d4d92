// Loaded with --import into an agent: kills it, as a crash would, just before or just after the
// rename that makes new secrets (swarm.json) real.
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

const { rename } = fs;
fs.rename = async (from, to) => {
  if (!String(to).endsWith('/swarm.json')) return rename(from, to);
  if (process.env.KILL_AT === 'after') await rename(from, to);
  process.kill(process.pid, 'SIGKILL');
  // Nothing runs on while the signal is on its way.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
};
syncBuiltinESMExports();
