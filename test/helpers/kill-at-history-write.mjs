// Loaded with --import into an agent: kills it, as a crash would, at the nth write to its history
// folder (KILL_AT, from 1): with half of the bytes written, before they are synced, before or after
// the rename that makes a file real, or before one is removed.
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

let left = Number(process.env.KILL_AT);
const { open, rename, rm } = fs;
const isHistory = (path) => String(path).includes('/history/');

function die() {
  process.kill(process.pid, 'SIGKILL');
  // Nothing runs on while the signal is on its way.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
}

const isTheOne = () => --left === 0;

fs.open = async (path, ...rest) => {
  const handle = await open(path, ...rest);
  if (!isHistory(path)) return handle;
  const { write, sync } = handle;
  handle.write = async (bytes, offset, length, position) => {
    if (!isTheOne()) return write.call(handle, bytes, offset, length, position);
    await write.call(handle, bytes, offset, Math.floor(length / 2), position);
    return die();
  };
  handle.sync = async () => (isTheOne() ? die() : sync.call(handle));
  return handle;
};
fs.rename = async (from, to) => {
  if (isHistory(to) && isTheOne()) die();
  await rename(from, to);
  if (isHistory(to) && isTheOne()) die();
};
fs.rm = async (path, options) => {
  if (isHistory(path) && isTheOne()) die();
  await rm(path, options);
};
syncBuiltinESMExports();
