/** Whether a state folder belongs to a swarm, and what is said where it does not. */
import { AgentError } from '../errors.ts';
import { outdatedSwarm, readSecrets } from './secrets-file.ts';
import type { StateFolder } from './state-folder.ts';

/** True for a host that is a member of a swarm. */
export function isInitialised(state: StateFolder): boolean {
  return readSecrets(state) !== undefined;
}

/** The error of `up` without --join in a folder that belongs to no swarm. */
export function notAMember(state: StateFolder): AgentError {
  if (outdatedSwarm(state) === undefined) {
    return new AgentError(
      'not_initialised',
      `${JSON.stringify(state.path)} belongs to no swarm yet`,
      'run `swarmplane init` for a new swarm, or add --join HOST:PORT to join one',
    );
  }
  return new AgentError(
    'state_outdated',
    `${JSON.stringify(state.path)} is from before join tokens of version 2: its keys let nobody in any more`,
    'where the operator key is run `swarmplane init` once more, which keeps the swarm and this host; on every other host run `swarmplane up --join HOST:PORT` with the token that it prints: each stays the host that it is',
  );
}
