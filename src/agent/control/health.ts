/** What a running agent tells `swarmplane doctor` about itself. */
import type { Controlled } from './controlled.ts';
import type { ResultOf } from './operations.ts';
import { VERSION } from '../version.ts';

export function health(agent: Controlled): ResultOf<'health'> {
  const { node } = agent;
  return {
    pid: process.pid,
    uid: process.getuid?.() ?? -1,
    version: VERSION,
    startedAt: agent.startedAt,
    uptimeMs: agent.uptimeMs,
    epoch: node.secrets.epoch,
    newestEpoch: node.rolls().newest,
    isBehind: node.rolls().isBehind,
    isVoid: node.rolls().isVoid,
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
}

/** The newest ones; a thousand may be kept. */
const ALARMS_TOLD_MAX = 50;
