// Loaded into an agent with node --import: at one step of its journal the process is killed, or the
// disk is full. FAULT is METHOD:NUMBER:WHEN, such as write:2:before, datasync:1:after, write:1:full.
import { readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';

const [method, number, when] = (process.env['FAULT'] ?? '').split(':');
const probe = await open('/dev/null');
const prototype = Object.getPrototypeOf(probe);
await probe.close();
const real = prototype[method];
let calls = 0;
prototype[method] = async function (...args) {
  const ours = readlinkSync(`/proc/self/fd/${this.fd}`).endsWith('/actions.journal');
  const due = ours && ++calls === Number(number);
  if (due && when === 'before') process.kill(process.pid, 'SIGKILL');
  if (due && when === 'full') {
    // A full disk takes what still fits.
    await real.call(this, args[0], args[1], 10, args[3]);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }
  const result = await real.apply(this, args);
  if (due && when === 'after') process.kill(process.pid, 'SIGKILL');
  return result;
};
