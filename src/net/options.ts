/** What a swarm node is started with. */
import type { Identity, NodeId, SwarmSecrets } from '../secure/index.ts';
import type { Alarm, IncomingRequest, RunOutcome, Tuning } from '../swarm/types.ts';
import type { Clock } from './clock.ts';
import type { NetTuning } from './tuning.ts';

export interface NetOptions {
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** `host:port` that others dial; when none: the listen address, or every outward interface address. */
  readonly advertise?: readonly string[];
  /** `host:port` of hosts that may know the swarm. */
  readonly seeds: readonly string[];
  /** Without an epoch key this node is not admitted yet: call `join`. */
  readonly secrets: SwarmSecrets;
  readonly identity: Identity;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly hub: boolean;
  readonly store: Store;
  /** Alarms of the last run that are open: they end here when their cause has gone. */
  readonly alarms?: readonly Pick<Alarm, 'kind' | 'key'>[];
  /** Keeps secrets, fsynced; awaited before they are used. */
  readonly saveSecrets: (secrets: SwarmSecrets) => Promise<void>;
  /** Carries out a request here. `signal` aborts when the origin withdrew it: settle soon then. */
  readonly run: (request: IncomingRequest, signal: AbortSignal) => Promise<RunOutcome>;
  readonly log: NetLog;
  readonly tuning?: Partial<Tuning & NetTuning>;
  /** For tests; default: the system's clocks. */
  readonly clock?: Clock;
}

/** What the core keeps over restarts. */
export interface Store {
  read(key: string): Uint8Array | undefined;
  /** Resolves when the bytes are on disk. */
  write(key: string, bytes: Uint8Array): Promise<void>;
}

/** Shaped as pino's. */
export interface NetLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** One link as people and tables see it. */
export interface LinkView {
  readonly nodeId: NodeId;
  readonly name?: string;
  /** `host:port` of the other end. */
  readonly address: string;
  /** True when this node dialled. */
  readonly initiator: boolean;
  /** Unix milliseconds. */
  readonly sinceMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}
