/** What the agent and its query process say to each other, over Node's own channel. */
import type { HostFacts, Shape, Value } from '../tables/types.ts';
import type { Description, Explanation, PreparedInfo, QueryErrorCode } from './types.ts';

/** The one argument of the query process, as JSON. */
export interface ChildSettings {
  readonly heapBytes: number;
  readonly sqlBytesMax: number;
  readonly rowsMax: number;
  readonly answerBytesMax: number;
  readonly root: string;
  readonly denyTables: readonly string[];
  /** URL of a module that exports `allTables`; only tests give one. */
  readonly registry?: string;
}

export type JobKind = 'prepare' | 'run' | 'explain' | 'describe' | 'take';

/** Agent to query process: one at a time. */
export interface Job {
  readonly kind: JobKind;
  /** For `take` without a shape the name of a table. */
  readonly sql: string;
  /** For `take` of a query: what its rows are. */
  readonly shape?: Shape;
  readonly timeMs: number;
  /** What this host gives a query that asks for it. */
  readonly timeMsMax: number;
  readonly allowSensitive: boolean;
  readonly facts: HostFacts;
  /** Tables that are not read now, since processes that did are still held by the kernel. */
  readonly held: readonly string[];
}

export type Done =
  | ({ readonly kind: 'prepare' } & PreparedInfo)
  | ({ readonly kind: 'explain' } & Explanation)
  | ({ readonly kind: 'describe' } & Description)
  | {
      readonly kind: 'run';
      readonly columns: readonly string[];
      readonly truncated: boolean;
      readonly warnings: readonly string[];
      readonly tookMs: number;
    }
  | {
      readonly kind: 'take';
      readonly shape: Shape;
      readonly hash: Uint8Array;
      readonly truncated: boolean;
    };

/** Query process to agent. */
export type Report =
  /** Said once, when SQLite is there: the time of a job begins with it. */
  | { readonly type: 'ready' }
  /** A collector loads a library, which is not on the query's time; said again when it is there. */
  | { readonly type: 'loading' | 'loaded' }
  /** Said before a collector starts, so that a blocked one can be named. */
  | { readonly type: 'reading'; readonly table: string }
  /** Some rows of the answer: sent as they come, so that no message is large. */
  | { readonly type: 'rows'; readonly rows: readonly (readonly Value[])[] }
  /** With the last rows, so that a small answer is one message. */
  | {
      readonly type: 'done';
      readonly done: Done;
      readonly rows: readonly (readonly Value[])[];
    }
  | {
      readonly type: 'failed';
      readonly code: QueryErrorCode;
      readonly message: string;
      /** A collector is still at work, or SQLite is in an unknown state: end this process. */
      readonly spoiled: boolean;
    };
