/**
 * That this host has left its swarm, kept in the state folder until a person takes it back: whoever
 * starts the agent again, a supervisor above all, does not bring the host back by that.
 */
import { AgentError } from '../errors.ts';
import type { StateFolder } from './state-folder.ts';

/** JSON: `at`, Unix milliseconds. */
export const LEFT_FILE = 'left.json';

/** On the disk before anybody hears of it, so that no crash in between undoes it. @throws AgentError */
export function markLeft(state: StateFolder, at: number): void {
  try {
    state.writeSync(LEFT_FILE, `${JSON.stringify({ at })}\n`);
  } catch (error) {
    throw new AgentError(
      'state_unwritable',
      `this host has not left: ${JSON.stringify(state.file(LEFT_FILE))} cannot be written: ${(error as Error).message}`,
      'make the state folder writable; else the next start would bring the host back',
      { cause: error },
    );
  }
}

/** Takes the mark away: the next start is one of a member. */
export function unmarkLeft(state: StateFolder): void {
  state.remove(LEFT_FILE);
}

/** When this host left; undefined where it has not. A mark that cannot be read is one. */
export function leftAt(state: StateFolder): Date | undefined {
  const text = state.readText(LEFT_FILE);
  if (text === undefined) return undefined;
  try {
    const { at } = JSON.parse(text) as { at: number };
    return new Date(Number.isFinite(at) ? at : 0);
  } catch {
    return new Date(0);
  }
}

export function hasLeft(state: StateFolder, at: Date): AgentError {
  return new AgentError(
    'has_left',
    `this host has left the swarm (${at.toISOString().slice(0, 19)}Z, ${JSON.stringify(state.path)}): no start brings it back by itself`,
    'to take it back run `swarmplane rejoin` where a supervisor runs its agent, else `swarmplane up --rejoin`',
  );
}
