/** What people are told when a handshake shows that something is wrong. */
import type { NodeId } from '../secure/types.ts';
import { CLONE_REMEDY } from '../swarm/index.ts';
import type { Alarm } from '../swarm/types.ts';
import type { FailureVerdict } from './admission-failures.ts';

/** One alarm per try, and one more when the tries look like guessing. `at`: Unix milliseconds. */
export function wrongSecretAlarms(
  address: string,
  prefix: string,
  verdict: FailureVerdict & { readonly why: 'wrong secret' | 'no admission' },
  at: number,
): Alarm[] {
  const { inPrefix, inAll } = verdict;
  const counts = `${inPrefix} such tries from ${prefix}, ${inAll} in all, within an hour`;
  const message = `${address} ${TRIED[verdict.why]} (${counts})`;
  const single: Alarm = { kind: 'wrong_secret', key: prefix, message, at };
  if (verdict.alarm === undefined) return [single];
  const guessing = `somebody guesses the join secret: ${counts}; further tries are slowed down`;
  const key = verdict.alarm === 'prefix' ? prefix : 'all networks';
  return [single, { kind: 'join_guessing', key, message: guessing, at }];
}

const TRIED = {
  'wrong secret': 'tried to join with a wrong join secret',
  'no admission':
    'tried to bring in a host that its join token did not admit: it holds what members hold, but not the text of the token; look for a stolen host, and expel it with `swarmplane secret rotate --expel`',
} as const;

export function cloneAlarm(self: NodeId, address: string, at: number): Alarm {
  const message = `another process with this node's identity was met at ${address}: ${CLONE_REMEDY}`;
  return { kind: 'clone', key: self, message, at };
}
