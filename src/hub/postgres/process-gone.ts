/** Whether no process of this machine has that id: what it left behind may go. Another user's process is there. */
import { codeOf } from '../errors.ts';

export function processIsGone(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 1) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}
