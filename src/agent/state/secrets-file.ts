/** `swarm.json` in the state folder: the swarm's secrets as this host holds them, hex in JSON. */
import { epochIdOf, type PreviousEpoch, type SwarmSecrets } from '../../secure/index.ts';
import { fromHex, toHex } from '../../wire/index.ts';
import { AgentError } from '../errors.ts';
import type { StateFolder } from './state-folder.ts';

const FILE = 'swarm.json';
/** Raised with admissions: a file without it is of before, when every member could let in anybody. */
const VERSION = 2;

/**
 * Undefined when this host belongs to no swarm yet, or its folder is `isOutdated`.
 * @throws AgentError `state_corrupt`
 */
export function readSecrets(state: StateFolder): SwarmSecrets | undefined {
  const value = readFile(state);
  if (value === undefined || value['version'] === undefined) return undefined;
  return whole(state, () => {
    if (value['version'] !== VERSION) throw new Error(`its version is ${value['version']}`);
    const bytes = bytesOf(value);
    const head = fromHex(String(value['head']));
    const epoch = numberOf(value, 'epoch');
    return {
      swarmId: bytes('swarmId'),
      operatorKey: bytes('operatorKey'),
      epochKey: bytes('epochKey'),
      epoch,
      epochId: epochIdOf(epoch, head),
      head,
      ...(value['operators'] === undefined ? {} : { operators: readStatements(value) }),
      ...(value['admission'] === undefined ? {} : { admission: bytes('admission', 72) }),
      ...(value['previous'] === undefined ? {} : { previous: readPrevious(value['previous']) }),
    };
  });
}

/**
 * The swarm of a folder from before admissions; undefined for any other folder. Its keys open nothing
 * any more; identity, configuration, key book and history stay good.
 * @throws AgentError `state_corrupt`
 */
export function outdatedSwarm(state: StateFolder): Uint8Array | undefined {
  const value = readFile(state);
  if (value === undefined || value['version'] !== undefined) return undefined;
  return whole(state, () => bytesOf(value)('swarmId'));
}

export function encodeSecrets(secrets: SwarmSecrets): string {
  const hex = (bytes: Uint8Array | undefined) => bytes && toHex(bytes);
  const value = {
    version: VERSION,
    swarmId: toHex(secrets.swarmId),
    operatorKey: hex(secrets.operatorKey),
    operators: secrets.operators?.map(toHex),
    epoch: secrets.epoch,
    epochKey: hex(secrets.epochKey),
    head: hex(secrets.head),
    admission: hex(secrets.admission),
    previous: secrets.previous?.map(({ epoch, epochKey, ways, replacedAt }) => ({
      epoch,
      replacedAt,
      epochKey: hex(epochKey),
      m1: toHex(ways.m1),
      old: toHex(ways.old),
      part: toHex(ways.part),
    })),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function writeSecrets(state: StateFolder, secrets: SwarmSecrets): void {
  state.writeSync(FILE, encodeSecrets(secrets));
}

export async function saveSecrets(state: StateFolder, secrets: SwarmSecrets): Promise<void> {
  await state.write(FILE, Buffer.from(encodeSecrets(secrets)));
}

type Fields = Readonly<Record<string, unknown>>;

function readFile(state: StateFolder): Fields | undefined {
  const text = state.readText(FILE);
  return text === undefined ? undefined : whole(state, () => Object(JSON.parse(text)) as Fields);
}

function whole<T>(state: StateFolder, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new AgentError(
      'state_corrupt',
      `${JSON.stringify(state.file(FILE))} cannot be read: ${(error as Error).message}`,
      'restore it from a backup, or remove the state folder and join again',
      { cause: error },
    );
  }
}

function bytesOf(value: Fields): (key: string, length?: number) => Uint8Array {
  return (key, length = 32) => {
    const field = fromHex(String(value[key]));
    if (field.length === length) return field;
    throw new Error(`${key} has ${field.length} bytes, not ${length}`);
  };
}

function numberOf(value: Fields, key: string): number {
  const number = value[key];
  if (Number.isSafeInteger(number)) return number as number;
  throw new Error(`${key} is no whole number`);
}

function readStatements({ operators }: Fields): Uint8Array[] {
  if (!Array.isArray(operators)) throw new Error('operators is no list');
  return operators.map((one) => fromHex(String(one)));
}

function readPrevious(value: unknown): PreviousEpoch[] {
  if (!Array.isArray(value)) throw new Error('previous is no list');
  return value.map((one: Fields) => {
    const bytes = bytesOf(one);
    return {
      epoch: numberOf(one, 'epoch'),
      replacedAt: numberOf(one, 'replacedAt'),
      ways: { m1: bytes('m1'), old: bytes('old'), part: bytes('part') },
      ...(one['epochKey'] === undefined ? {} : { epochKey: bytes('epochKey') }),
    };
  });
}
