/** `swarm.json` in the state folder: the swarm's secrets as this host holds them, hex in JSON. */
import type { PreviousEpoch, SwarmSecrets } from '../secure/index.ts';
import { fromHex, toHex } from '../wire/index.ts';
import { AgentError } from './errors.ts';
import type { StateFolder } from './state-folder.ts';

const FILE = 'swarm.json';

/**
 * Undefined when this host belongs to no swarm yet.
 * @throws AgentError `state_corrupt`
 */
export function readSecrets(state: StateFolder): SwarmSecrets | undefined {
  const text = state.readText(FILE);
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    const bytes = (key: string): Uint8Array => {
      const field = fromHex(String(value[key]));
      if (field.length !== 32) throw new Error(`${key} has ${field.length} bytes, not 32`);
      return field;
    };
    if (!Number.isSafeInteger(value['epoch'])) throw new Error('epoch is no whole number');
    const record = value['epochRecord'];
    return {
      swarmId: bytes('swarmId'),
      epoch: value['epoch'] as number,
      joinKey: bytes('joinKey'),
      ...(value['epochKey'] === undefined ? {} : { epochKey: bytes('epochKey') }),
      ...(value['operatorKey'] === undefined ? {} : { operatorKey: bytes('operatorKey') }),
      ...(value['previous'] === undefined ? {} : { previous: readPrevious(value['previous']) }),
      ...(record === undefined ? {} : { epochRecord: fromHex(String(record)) }),
    };
  } catch (error) {
    throw new AgentError(
      'state_corrupt',
      `${JSON.stringify(state.file(FILE))} can not be read: ${(error as Error).message}`,
      'restore it from a backup, or remove the state folder and join again',
      { cause: error },
    );
  }
}

function readPrevious(value: unknown): PreviousEpoch[] {
  if (!Array.isArray(value)) throw new Error('previous is no list');
  return value.map((one: Record<string, unknown>) => {
    const epochKey = fromHex(String(one['epochKey']));
    const [epoch, replacedAt] = [Number(one['epoch']), Number(one['replacedAt'])];
    if (epochKey.length !== 32 || !Number.isSafeInteger(epoch) || !Number.isFinite(replacedAt)) {
      throw new Error('an entry of previous is no epoch');
    }
    return { epoch, epochKey, replacedAt };
  });
}

export function encodeSecrets(secrets: SwarmSecrets): string {
  const value = {
    swarmId: toHex(secrets.swarmId),
    epoch: secrets.epoch,
    joinKey: toHex(secrets.joinKey),
    epochKey: secrets.epochKey && toHex(secrets.epochKey),
    operatorKey: secrets.operatorKey && toHex(secrets.operatorKey),
    previous: secrets.previous?.map(({ epoch, epochKey, replacedAt }) => ({
      ...{ epoch, epochKey: toHex(epochKey), replacedAt },
    })),
    epochRecord: secrets.epochRecord && toHex(secrets.epochRecord),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function writeSecrets(state: StateFolder, secrets: SwarmSecrets): void {
  state.writeSync(FILE, encodeSecrets(secrets));
}

export async function saveSecrets(state: StateFolder, secrets: SwarmSecrets): Promise<void> {
  await state.write(FILE, Buffer.from(encodeSecrets(secrets)));
}
