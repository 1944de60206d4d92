/** Whether this host, where a hub runs, has the operator's certificate for it, and for how long still. */
import type { Context } from '../engine/context.ts';
import type { OperatorRecords } from './operator-records.ts';

export interface OwnHubSources {
  readonly context: Context;
  readonly records: OperatorRecords;
}

/** What to do about it; undefined where nothing is. */
export function hubProblem({ context, records }: OwnHubSources): string | undefined {
  const { self, now } = context;
  if (!self.hub) return undefined;
  const grant = `run \`swarmplane operator grant ${self.name} --role hub\` on a host of the swarm, with the operator key`;
  const record = records.hubRecord(self.nodeId);
  const seconds = now.wall / 1000;
  if (record === undefined || !records.isHub(self.nodeId)) {
    const why =
      record === undefined
        ? 'has no certificate of the operator'
        : seconds < record.notBefore
          ? 'has a certificate of the operator that does not hold yet by its clock'
          : 'has a certificate of the operator that has ended';
    return `the hub on this host ${why}: it serves requests, but no host lets it fetch history or remembers its audit seals; ${grant}`;
  }
  const days = Math.floor((record.notAfter - seconds) / 86_400);
  if (days >= WARN_DAYS) return undefined;
  return `the certificate of the hub on this host ends in ${days} days: after that no host lets it fetch history or remembers its audit seals; ${grant}`;
}

/** Raised once; its end is in alarm-ends.ts. */
export function checkHub(sources: OwnHubSources): void {
  const { context } = sources;
  const problem = hubProblem(sources);
  if (problem === undefined) return;
  const isOpen = context
    .openAlarms()
    .some(({ kind, key, kept }) => kind === 'hub_certificate' && key === context.nodeId && !kept);
  if (!isOpen) context.alarm('hub_certificate', context.nodeId, problem);
}

const WARN_DAYS = 30;
