/** The first steps of a host: a new swarm (`init`), or what a host needs in hand to join one. */
import { randomBytes } from 'node:crypto';
import {
  deriveTokenKeys,
  OperatorKey,
  parseJoinToken,
  type SwarmSecrets,
} from '../../secure/index.ts';
import { packRecords } from '../../swarm/index.ts';
import { equalBytes, toHex } from '../../wire/index.ts';
import { CONFIG_FILE, parseConfig, renderConfig, type Config } from '../config/config.ts';
import { AgentError } from '../errors.ts';
import { loadIdentity } from '../state/identity-file.ts';
import { OperatorDesk, type TokenTerms } from '../operator/operator.ts';
import { isInitialised } from '../state/membership.ts';
import { outdatedSwarm, writeSecrets } from '../state/secrets-file.ts';
import { OPERATOR_KEY_FILE, type StateFolder } from '../state/state-folder.ts';

/** Hosts and hours of the join token that `init` and `secret rotate` make. */
export const FIRST_TOKEN: TokenTerms = { uses: 32, hours: 7 * 24, note: '', host: '' };

/** A hub's certificate holds for so long. */
export const HUB_DAYS = 400;

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

export interface HostSettings {
  readonly name: string;
  readonly listen: string;
}

export interface InitOptions {
  readonly passphrase?: string;
  readonly token?: TokenTerms;
  /** Days for which this host may be a hub; 0 for not at all. */
  readonly hubDays?: number;
}

/**
 * Makes a new swarm whose first host this is: signs its first EPOCH, whose roll is this host, and a
 * first join token, and says that this host may be a hub. In a folder from before admissions the swarm, its operator key and this host's
 * identity stay; every other host then joins anew, and keeps its own identity.
 * @returns the join token, which is written nowhere
 * @throws AgentError `already_initialised`, `config_invalid`, `operator_key`
 */
export async function initSwarm(
  state: StateFolder,
  settings: HostSettings,
  { passphrase, token: terms = FIRST_TOKEN, hubDays = HUB_DAYS }: InitOptions = {},
): Promise<string> {
  if (isInitialised(state)) {
    throw new AgentError(
      'already_initialised',
      `${JSON.stringify(state.path)} belongs to a swarm already`,
      'start it with `swarmplane up`, or choose another folder with --state DIR',
    );
  }
  const config = configText(state, settings, []);
  const { name } = parseConfig(config, state.file(CONFIG_FILE));
  const desk = await openOrMakeKey(state, passphrase);
  const identity = loadIdentity(state, random);
  const { swarmId, publicKey: operatorKey } = desk.key;
  const { bundle, head, epochKey, token } = await desk.newEpoch({
    parent: undefined,
    epoch: 1,
    terms,
    members: [{ entry: identity.newest.bytes, name }],
  });
  state.writeSync(CONFIG_FILE, config);
  const parts = bundle.parts.map((bytes, number) => ({ epoch: head.id, number, bytes }));
  const hub = hubDays > 0 ? [desk.grantHub(identity.nodeId, hubDays).bytes] : [];
  const records = [...bundle.records, ...hub];
  state.writeSync('records.bin', packRecords({ records, parts }));
  // Last: this file is what makes the folder initialised, so a crash before it changes nothing.
  writeSecrets(state, {
    swarmId,
    operatorKey,
    epochKey,
    epoch: 1,
    epochId: head.id,
    head: head.bytes,
  });
  return token!.text;
}

async function openOrMakeKey(state: StateFolder, passphrase?: string): Promise<OperatorDesk> {
  const file = state.file(OPERATOR_KEY_FILE);
  const before = outdatedSwarm(state);
  if (before === undefined) {
    const operator = OperatorKey.create(random);
    const sealed = passphrase === undefined ? {} : { passphrase };
    state.writeSync(OPERATOR_KEY_FILE, await operator.toFile({ random, ...sealed }));
    return OperatorDesk.open(file, passphrase);
  }
  if (state.read(OPERATOR_KEY_FILE) === undefined) {
    throw new AgentError(
      'operator_key',
      `${JSON.stringify(state.path)} is of a swarm from before join tokens of version 2, and its operator key is not there`,
      `lay the key at ${JSON.stringify(file)} and give the command again; without the key make a new swarm with another --state DIR`,
    );
  }
  const desk = await OperatorDesk.open(file, passphrase);
  desk.checkSwarm(before);
  return desk;
}

/** Of a host that is about to join: kept in the state folder only once it was let in. */
export interface Joining {
  readonly secrets: SwarmSecrets;
  readonly configText: string;
}

/**
 * What `Agent.start` takes to join. Nothing is written before a member let this host in, so a
 * failed try leaves nothing behind.
 * @throws SecureError for a token that is none; AgentError `config_invalid`, `already_initialised`
 */
export async function prepareJoin(
  state: StateFolder,
  settings: HostSettings,
  seed: string,
  token: string,
): Promise<{ joining: Joining; config: Config }> {
  const { swarmId, secret } = parseJoinToken(token);
  const before = outdatedSwarm(state);
  if (before !== undefined && !equalBytes(before, swarmId)) {
    throw new AgentError(
      'already_initialised',
      `${JSON.stringify(state.path)} is of swarm ${toHex(before).slice(0, 16)}, the token of ${toHex(swarmId).slice(0, 16)}`,
      'choose another folder with --state DIR, or remove this one to join as a new host',
    );
  }
  const text = configText(state, settings, [seed]);
  const config = parseConfig(text, state.file(CONFIG_FILE));
  const joining = await deriveTokenKeys(secret, swarmId);
  return { joining: { secrets: { swarmId, epoch: 0, joining }, configText: text }, config };
}

/** A configuration that somebody laid there beforehand is kept. */
function configText(state: StateFolder, settings: HostSettings, seeds: readonly string[]): string {
  return state.readText(CONFIG_FILE) ?? renderConfig({ ...settings, seeds });
}
