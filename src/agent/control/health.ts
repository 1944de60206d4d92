/** What a running agent tells `swarmplane doctor` about itself. */
import type { Packable } from '../../wire/index.ts';
import type { Agent } from '../agent.ts';
import { VERSION } from '../version.ts';

export interface Health {
  readonly pid: number;
  /** User id it runs as; -1 where there is no such thing. */
  readonly uid: number;
  readonly version: string;
  /** Unix milliseconds, by the wall clock at the start. */
  readonly startedAt: number;
  /** Milliseconds since then by the clock that nobody can set. */
  readonly uptimeMs: number;
  readonly epoch: number;
  /** The newest that is known here whole. */
  readonly newestEpoch: number;
  /** Another one than `epoch` is in force, which this host has not entered. */
  readonly isBehind: boolean;
  readonly certificates: readonly CertificateHealth[];
  readonly alarms: readonly { kind: string; key: string; message: string; lastAt: number }[];
  readonly members: readonly { nodeId: string; name: string; state: string; self: boolean }[];
  readonly links: number;
}

export interface CertificateHealth {
  readonly serial: string;
  readonly roles: readonly string[];
  /** Unix seconds. */
  readonly notAfter: number;
  /** Why it does not hold; null while it does. */
  readonly problem: string | null;
}

export function health(agent: Agent): Packable {
  const { node } = agent;
  const answer: Health = {
    pid: process.pid,
    uid: process.getuid?.() ?? -1,
    version: VERSION,
    startedAt: agent.startedAt,
    uptimeMs: agent.uptimeMs,
    epoch: node.secrets.epoch,
    newestEpoch: node.rolls().newest,
    isBehind: node.rolls().isBehind,
    certificates: agent.certificates.list(),
    alarms: agent
      .alarms()
      .slice(-ALARMS_TOLD_MAX)
      .map(({ kind, key, message, at }) => ({ kind, key, message, lastAt: at })),
    members: agent
      .members()
      .map(({ nodeId, name, state, self }) => ({ nodeId, name, state, self })),
    links: node.links().length,
  };
  return answer as unknown as Packable;
}

/** The newest ones; a thousand may be kept. */
const ALARMS_TOLD_MAX = 50;
