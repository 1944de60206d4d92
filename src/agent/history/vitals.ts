/**
 * What a host tells a hub of its clock and its running with each answer to `fetch`: a hub learns
 * from it that a clock is off and that a host was started anew.
 */
import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import type { Vitals } from '../../takings/index.ts';

export function readVitals(wall: number): Vitals {
  return { wall, boot: bootId(), upMs: Math.round(uptime() * 1_000) };
}

/** Of the kernel: containers of one machine share it. It cannot change while this process runs. */
function bootId(): string {
  known ??= readBootId();
  return known;
}

let known: string | undefined;

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return '';
  }
}
