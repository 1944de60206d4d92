/** This host's key list and secret keys in its state folder. */
import { Identity } from '../../secure/index.ts';
import { AgentError } from '../errors.ts';
import type { StateFolder } from './state-folder.ts';

export const IDENTITY_FILE = 'identity.key';

/**
 * Made at the first start, on the disk before anybody sees it; keys that are too old go.
 * @throws AgentError `state_corrupt`
 */
export function loadIdentity(state: StateFolder, random: (n: number) => Uint8Array): Identity {
  const bytes = state.read(IDENTITY_FILE);
  const seconds = Math.floor(Date.now() / 1000);
  if (bytes !== undefined) {
    const identity = parseIdentity(state, bytes);
    const recent = identity.forgetOld(seconds);
    if (recent !== identity) state.writeSync(IDENTITY_FILE, recent.toBytes());
    return recent;
  }
  const identity = Identity.create(random, seconds);
  state.writeSync(IDENTITY_FILE, identity.toBytes());
  return identity;
}

/** Resolves once it is on the disk. */
export function saveIdentity(state: StateFolder, identity: Identity): Promise<void> {
  return state.write(IDENTITY_FILE, identity.toBytes());
}

/** @throws AgentError `state_corrupt` */
function parseIdentity(state: StateFolder, bytes: Uint8Array): Identity {
  try {
    return Identity.parse(bytes);
  } catch (error) {
    throw new AgentError(
      'state_corrupt',
      `${JSON.stringify(state.file(IDENTITY_FILE))} cannot be read: ${(error as Error).message}`,
      'restore it from a backup, or remove the state folder and join again as a new node',
      { cause: error },
    );
  }
}
