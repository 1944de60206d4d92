/** What the operations of the control socket need of the agent; the agent itself is one. */
import type { SwarmNode } from '../../net/index.ts';
import type { QueryRunner } from '../../query/index.ts';
import type { Actions } from '../actions/actions.ts';
import type { History } from '../history/history.ts';
import type { Certificates } from '../operator/certificates.ts';
import type { OpenAlarm } from '../state/alarms.ts';
import type { Asker } from '../types.ts';

export interface Controlled extends Pick<
  Asker,
  'nodeId' | 'name' | 'members' | 'departed' | 'forget' | 'ask' | 'allowedActions'
> {
  readonly node: Pick<
    SwarmNode,
    | 'address'
    | 'books'
    | 'hubProblem'
    | 'secrets'
    | 'rolls'
    | 'probes'
    | 'links'
    | 'keyList'
    | 'request'
    | 'install'
  >;
  readonly runner: Pick<QueryRunner, 'explain'>;
  readonly history: Pick<History, 'status'>;
  readonly actions: Pick<Actions, 'configured' | 'history'>;
  readonly certificates: Pick<Certificates, 'list' | 'install'>;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Milliseconds since the start by the clock that nobody can set. */
  readonly uptimeMs: number;
  /** What a hub in the same process says about itself. */
  readonly hubStatus: Readonly<Record<string, string>> | undefined;
  alarms(): readonly OpenAlarm[];
  rotateKey(): Promise<number>;
  markLeft(): void;
  leave(): Promise<void>;
}
