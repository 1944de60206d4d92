/** What people are told of records that are not taken up, or that two hosts make. */
import type { NodeId } from '../../secure/types.ts';
import { CLONE_REMEDY } from './clone.ts';
import type { Context } from '../engine/context.ts';
import type { Member } from './member.ts';

export class RecordAlarms {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Its own agent would not start under it. Who passed it on is not to blame. */
  name(nodeId: NodeId, name: string): void {
    const open = this.#context.openAlarms();
    if (open.some(({ kind, key }) => kind === 'name_refused' && key === nodeId)) return;
    const shown = JSON.stringify(name.slice(0, NAME_SHOWN_MAX));
    const message = `${nodeId} calls itself ${shown}, which is no name for a host: it is not taken up; set another name on it, or expel it`;
    this.#context.alarm('name_refused', nodeId, message);
  }

  full(name: string, most: number): void {
    const message = `more than ${most} members: "${name}" is not taken up`;
    this.#context.alarm('members', 'full', message);
  }

  /** Two keys under one number of a key list. */
  fork(nodeId: NodeId, name: string, version: number): void {
    const message = `two different keys claim to be version ${version} of "${name}"`;
    this.#context.alarm('fork', nodeId, message, nodeId);
  }

  clone({ nodeId, record }: Member): void {
    const message = `two runs of "${record.body.name}" (${nodeId.slice(0, 12)}) take turns: its state folder was copied; ${CLONE_REMEDY}`;
    this.#context.alarm('clone', nodeId, message, nodeId);
  }
}

const NAME_SHOWN_MAX = 80;
