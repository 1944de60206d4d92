/** The first steps of a host: a new swarm (`init`), or what a host needs in hand to join one. */
import { randomBytes } from 'node:crypto';
import { createJoinToken, deriveJoinKey, OperatorKey, parseJoinToken } from '../secure/index.ts';
import { CONFIG_FILE, type Joining } from './agent.ts';
import { parseConfig, renderConfig, type Config } from './config.ts';
import { AgentError } from './errors.ts';
import { readSecrets, writeSecrets } from './secrets-file.ts';
import type { StateFolder } from './state-folder.ts';

/** The operator's secret key; `init` says to take it offline. */
export const OPERATOR_KEY_FILE = 'operator.key';
/** The join token, for `up --join` on the other hosts. */
export const JOIN_TOKEN_FILE = 'join.token';

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

export interface HostSettings {
  readonly name: string;
  readonly listen: string;
}

/**
 * Makes a new swarm whose first host this is.
 * @returns the join token, which is in the state folder too
 * @throws AgentError `already_initialised`, `config_invalid`
 */
export async function initSwarm(
  state: StateFolder,
  settings: HostSettings,
  passphrase?: string,
): Promise<string> {
  if (isInitialised(state)) {
    throw new AgentError(
      'already_initialised',
      `${JSON.stringify(state.path)} belongs to a swarm already`,
      'start it with `swarmplane up`, or choose another folder with --state DIR',
    );
  }
  const config = configText(state, settings, []);
  parseConfig(config, state.file(CONFIG_FILE));
  const operator = OperatorKey.create(random);
  const epoch = 1;
  const token = createJoinToken({ swarmId: operator.swarmId, epoch, random });
  const joinKey = await deriveJoinKey(token.secret, operator.swarmId);
  state.writeSync(
    OPERATOR_KEY_FILE,
    await operator.toFile({ random, ...(passphrase === undefined ? {} : { passphrase }) }),
  );
  state.writeSync(JOIN_TOKEN_FILE, `${token.text}\n`);
  state.writeSync(CONFIG_FILE, config);
  // Last: this file is what makes the folder initialised, so a crash before it changes nothing.
  writeSecrets(state, {
    swarmId: operator.swarmId,
    operatorKey: operator.publicKey,
    epoch,
    epochKey: random(32),
    joinKey,
  });
  return token.text;
}

/**
 * What `Agent.start` takes to join. Nothing is written before a member let this host in, so a
 * failed try leaves nothing behind.
 * @throws SecureError for a token that is none; AgentError `config_invalid`
 */
export async function prepareJoin(
  state: StateFolder,
  settings: HostSettings,
  seed: string,
  token: string,
): Promise<{ joining: Joining; config: Config }> {
  const { swarmId, epoch, secret } = parseJoinToken(token);
  const text = configText(state, settings, [seed]);
  const config = parseConfig(text, state.file(CONFIG_FILE));
  const joinKey = await deriveJoinKey(secret, swarmId);
  return { joining: { secrets: { swarmId, epoch, joinKey }, configText: text }, config };
}

/** True for a host that is a member of a swarm. */
export function isInitialised(state: StateFolder): boolean {
  return readSecrets(state) !== undefined;
}

/** A configuration that somebody laid there beforehand is kept. */
function configText(state: StateFolder, settings: HostSettings, seeds: readonly string[]): string {
  return state.readText(CONFIG_FILE) ?? renderConfig({ ...settings, seeds });
}
