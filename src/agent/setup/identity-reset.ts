/**
 * A new identity for a host whose state folder was copied: one of the two copies becomes a host like
 * any other that joins. Everything goes that belongs to the old identity or would speak in its name;
 * configuration and operator key stay.
 */
import { readdirSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { decodeSigned } from '../../wire/index.ts';
import { restore } from '../../swarm/index.ts';
import { CONFIG_FILE, renameHost } from '../config/config.ts';
import { CONTROL_SOCKET } from '../control/control-protocol.ts';
import { ControlServer } from '../control/control-server.ts';
import { AgentError } from '../errors.ts';
import { IDENTITY_FILE, loadIdentity } from '../state/identity-file.ts';
import { LEFT_FILE } from '../state/left-mark.ts';
import type { Log } from '../log.ts';
import type { StateFolder } from '../state/state-folder.ts';

export interface IdentityReset {
  /** Node id that the other copy keeps; undefined where no readable key was left. */
  readonly before: string | undefined;
  /** Node id of this host from now on. */
  readonly nodeId: string;
  /** What went, in the order of names. */
  readonly removed: readonly string[];
  /** Addresses of members that were known, at most three: one of them lets the host in again. */
  readonly members: readonly string[];
}

/** Secrets of the swarm go first: a crash in between leaves a folder that belongs to no swarm. */
const FIRST = 'swarm.json';
const OWN = [IDENTITY_FILE, LEFT_FILE, 'alarms.json', 'actions.journal', 'history'];
/** The embedded PostgreSQL of a hub, and the way to it. */
const HUB = ['postgres', 'psql-url'];
const MEMBERS_SHOWN = 3;

/**
 * `name`: what other hosts call this one from now on, where the copies share one configuration.
 * @throws AgentError `already_running`, `not_initialised`, `holds_hub`, `config_invalid`
 */
export async function resetIdentity(
  state: StateFolder,
  log: Log,
  name?: string,
): Promise<IdentityReset> {
  if (state.read(IDENTITY_FILE) === undefined) {
    throw new AgentError(
      'not_initialised',
      `${JSON.stringify(state.path)} holds no identity`,
      "name the host's state folder with --state DIR",
    );
  }
  // The socket keeps agents out as long as this takes, as it keeps out a second agent.
  const control = await ControlServer.start(state.file(CONTROL_SOCKET), beingReset, log);
  try {
    return reset(state, name);
  } finally {
    await control.stop();
  }
}

function reset(state: StateFolder, name: string | undefined): IdentityReset {
  const entries = readdirSync(state.path).sort();
  const hub = HUB.filter((entry) => entries.includes(entry));
  if (hub.length > 0) {
    throw new AgentError(
      'holds_hub',
      `${JSON.stringify(state.path)} holds the database of a hub (${hub.join(', ')}), which a new host would not own`,
      'reset the other copy, or move these away first if they are a copy that nobody needs',
    );
  }
  const config = state.readText(CONFIG_FILE);
  const renamed =
    name === undefined || config === undefined
      ? undefined
      : renameHost(config, name, state.file(CONFIG_FILE));
  const before = idOf(state);
  const members = addressesOf(state);
  const removed = entries.filter(
    (entry) => entry === FIRST || OWN.includes(entry) || entry.endsWith('.bin'),
  );
  state.remove(FIRST);
  if (renamed !== undefined) state.writeSync(CONFIG_FILE, renamed);
  for (const entry of removed) rmSync(state.file(entry), { recursive: true, force: true });
  const { nodeId } = loadIdentity(state, random);
  return { before, nodeId, removed, members };
}

function idOf(state: StateFolder): string | undefined {
  try {
    return loadIdentity(state, random).nodeId;
  } catch {
    return undefined;
  }
}

function addressesOf(state: StateFolder): string[] {
  const table = state.read('members.bin');
  const { members = [] } = restore(new Map(table === undefined ? [] : [['members', table]]));
  const self = idOf(state);
  const addresses = members.flatMap(({ bytes }) => {
    try {
      const { body } = decodeSigned(bytes);
      if (body.kind !== 'member' || body.state === 'left') return [];
      return Buffer.from(body.node).toString('hex') === self ? [] : body.addresses.slice(0, 1);
    } catch {
      return [];
    }
  });
  return [...new Set(addresses)].slice(0, MEMBERS_SHOWN);
}

async function* beingReset(): AsyncGenerator<never, never> {
  throw new AgentError('not_running', 'this host is being given a new identity', 'try again');
}

const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));
