/** A command as it travels and as it is told from others (docs/protocol.md section 9). */
import { createHash } from 'node:crypto';
import {
  concat,
  encodeFields,
  equalBytes,
  fromHex,
  pack,
  toHex,
  unpack,
  utf8,
  type Packable,
} from '../../wire/index.ts';
import { ActionRefusal, type Command } from './types.ts';

/** Kind of the requests that carry commands. */
export const ACTION_KIND = 'action';

/** One command for several hosts: each has an id of its own. */
export interface CommandBody extends Omit<Command, 'id'> {
  /** By node id. */
  readonly ids: ReadonlyMap<string, string>;
}

export function encodeCommand({ action, args, askedBy, expires, ids }: CommandBody): Uint8Array {
  const entries = [...ids].flatMap(([node, id]) => [fromHex(node), bytesOfUuid(id)]);
  return pack({ action, args, asked_by: askedBy, expires, ids: concat(...entries) });
}

/**
 * The part that is for this host.
 * @throws ActionRefusal `bad_command`
 */
export function decodeCommand(body: Uint8Array, nodeId: string): Command {
  let value: Packable;
  try {
    value = unpack(body);
  } catch (error) {
    throw bad((error as Error).message);
  }
  if (!isMap(value)) throw bad('it is no map');
  const { action, args, asked_by: askedBy, expires, ids } = value;
  if (typeof action !== 'string' || action.length > NAME_MAX) throw bad('no action');
  if (typeof askedBy !== 'string' || askedBy.length > NAME_MAX) throw bad('no asker');
  if (typeof expires !== 'number' || !Number.isSafeInteger(expires)) throw bad('no expiry');
  if (!(ids instanceof Uint8Array)) throw bad('no ids');
  return { id: idFor(ids, nodeId), action, args: readArgs(args), askedBy, expires };
}

/** The same for the same action and arguments, whatever the order of the arguments. 64 hex digits. */
export function commandHash({ action, args }: Pick<Command, 'action' | 'args'>): string {
  const pairs = Object.entries(args).sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = ['swarmplane/1 command', action, ...pairs.flat()];
  return createHash('sha256')
    .update(encodeFields(parts.map(utf8)))
    .digest('hex');
}

const NAME_MAX = 255;
const ARGS_MAX = 64;
const ARG_CHARS_MAX = 4096;
const NODE_BYTES = 32;
const ENTRY_BYTES = NODE_BYTES + 16;

function readArgs(value: Packable | undefined): Record<string, string> {
  if (!isMap(value)) throw bad('no args');
  const entries = Object.entries(value);
  if (entries.length > ARGS_MAX) throw bad(`${entries.length} args, at most ${ARGS_MAX}`);
  for (const [name, text] of entries) {
    if (typeof text !== 'string' || text.length > ARG_CHARS_MAX || name.length > NAME_MAX) {
      throw bad(`the arg ${JSON.stringify(name.slice(0, 80))} is no text of ${ARG_CHARS_MAX}`);
    }
  }
  return value as Record<string, string>;
}

function idFor(ids: Uint8Array, nodeId: string): string {
  const node = fromHex(nodeId);
  for (let at = 0; at + ENTRY_BYTES <= ids.length; at += ENTRY_BYTES) {
    if (!equalBytes(ids.subarray(at, at + NODE_BYTES), node)) continue;
    const hex = toHex(ids.subarray(at + NODE_BYTES, at + ENTRY_BYTES));
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }
  throw bad('no id for this host');
}

function bytesOfUuid(id: string): Uint8Array {
  return fromHex(id.replaceAll('-', ''));
}

function isMap(value: Packable | undefined): value is { readonly [key: string]: Packable } {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  );
}

function bad(why: string): ActionRefusal {
  return new ActionRefusal('bad_command', `this is no command: ${why}`);
}
