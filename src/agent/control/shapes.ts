/** What a running agent tells: the shapes of what its operations (operations.ts) end with. */
import * as v from 'valibot';
import { VERSION_ORDERS } from '../../tables/version-order.ts';

export const list = <T extends v.GenericSchema>(item: T) => v.pipe(v.array(item), v.readonly());
const textMap = v.record(v.string(), v.string());
export const bytes = v.custom<Uint8Array>(
  (value) => value instanceof Uint8Array,
  'Invalid type: Expected bytes',
);
export const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
/** 64 hex digits. */
export const nodeId = v.string();
/** Unix milliseconds. */
const millis = v.number();
/** Unix seconds. */
const seconds = v.number();
const historyStatus = v.object({
  /** Of the wish list, 0 where there is none. */
  version: v.number(),
  journalBytes: whole,
  dropped: whole,
  tables: list(
    v.object({
      table: v.string(),
      /** Seconds. */
      every: v.number(),
      sequence: v.number(),
      at: v.nullable(millis),
      line: v.nullable(v.string()),
      fetched: v.nullable(v.number()),
    }),
  ),
});

export const agentStatus = v.object({
  name: v.string(),
  nodeId,
  version: v.string(),
  address: v.string(),
  pid: whole,
  startedAt: millis,
  members: whole,
  alive: whole,
  epoch: whole,
  leftOut: v.boolean(),
  expelledWithoutRotation: whole,
  /** Keys of the operator, and whether the present epoch was made by one that was revoked. */
  operatorKeys: v.string(),
  roll: whole,
  seats: whole,
  admission: v.string(),
  rssBytes: whole,
  /** Counts and bytes of all that it keeps of others. */
  books: v.record(v.string(), v.number()),
  /** What a hub in the same process says of itself; null without one. */
  hub: v.nullable(textMap),
  history: historyStatus,
});

const certificateHealth = v.object({
  serial: v.string(),
  roles: list(v.string()),
  notAfter: seconds,
  /** Why it does not hold; null while it does. */
  problem: v.nullable(v.string()),
});

/** What `swarmplane doctor` looks at. */
export const health = v.object({
  pid: whole,
  /** User id it runs as; -1 where there is no such thing. */
  uid: v.number(),
  version: v.string(),
  /** By the wall clock at the start. */
  startedAt: millis,
  /** Milliseconds since then by the clock that nobody can set. */
  uptimeMs: v.number(),
  epoch: whole,
  /** The newest that is known here whole. */
  newestEpoch: whole,
  /** Another one than `epoch` is in force, which this host has not entered. */
  isBehind: v.boolean(),
  /** The present one was made by a key that was revoked. */
  isVoid: v.boolean(),
  certificates: list(certificateHealth),
  alarms: list(
    v.object({ kind: v.string(), key: v.string(), message: v.string(), lastAt: millis }),
  ),
  members: list(v.object({ nodeId, name: v.string(), state: v.string(), self: v.boolean() })),
  links: whole,
});

export const node = v.object({
  name: v.string(),
  nodeId,
  state: v.string(),
  since: millis,
  addresses: list(v.string()),
  labels: textMap,
  version: v.string(),
  hub: v.boolean(),
  self: v.boolean(),
  linked: v.boolean(),
  /** 64 hex digits. */
  signKey: v.string(),
  /** What the last probe of it found; null before the first. */
  probe: v.nullable(v.string()),
  /** Of the join token that its record names. */
  tag: v.nullable(v.string()),
  /** The operator named it at the last rotation. */
  onRoll: v.boolean(),
  /** False once a rotation has left it out. */
  admitted: v.boolean(),
});

const keyEntry = v.object({
  version: whole,
  time: seconds,
  signKey: v.string(),
  /** SHA-256 of the entry, hex. */
  hash: v.string(),
});

export const keyList = v.object({
  nodeId,
  name: v.string(),
  entries: list(keyEntry),
  /** The two entries of one version because of which it is frozen. */
  fork: v.nullable(list(keyEntry)),
});

export const token = v.object({
  tag: v.string(),
  version: whole,
  state: v.picklist(['open', 'ended']),
  /** As signed. */
  bytes,
  uses: whole,
  made: seconds,
  notAfter: seconds,
  note: v.string(),
  host: v.string(),
  /** Hosts that came by it. */
  seen: whole,
});

export const operatorKey = v.object({
  /** SHA-256 of the public key. */
  id: v.string(),
  name: v.string(),
  /** Id of the key that added it, and when; null of the first one. */
  addedBy: v.nullable(v.string()),
  added: v.nullable(seconds),
  /** Id of the key by whose word it does not count any more. */
  revokedBy: v.nullable(v.string()),
  /** No key can bring it back: that was itself, or a senior one. */
  isFinal: v.boolean(),
});

/** What a record of the operator must fit. */
export const recordsPage = v.object({
  swarmId: bytes,
  /** The first key of the operator, and what is known of others, as signed. */
  operatorKey: bytes,
  operators: list(bytes),
  /** Head and hub certificates, as signed; on the first page. */
  named: list(bytes),
  /** The present epoch was made by a key that was revoked. */
  isVoid: v.boolean(),
  epoch: whole,
  epochId: v.string(),
  /** The newest that is known here. */
  newestEpoch: whole,
  /** This host has not entered the epoch that is in force. */
  isBehind: v.boolean(),
  self: nodeId,
  /** When the present epoch was made. */
  headTime: seconds,
  links: whole,
  /** Revocation lists in force, as signed. */
  lists: list(bytes),
  /** Hosts on the roll of the present epoch, and those of them that are unknown here. */
  roll: whole,
  unknown: v.object({ count: whole, prefixes: list(v.string()) }),
  tokens: list(token),
  members: list(
    v.object({
      nodeId,
      name: v.string(),
      /** Its newest key entry, as signed. */
      entry: bytes,
      state: v.string(),
      since: millis,
      admitted: v.boolean(),
      tag: v.nullable(v.string()),
      onRoll: v.boolean(),
      frozen: v.boolean(),
    }),
  ),
  /** The last id of this page; null on the last page. */
  next: v.nullable(nodeId),
});

export const meant = v.object({
  nodeId,
  name: v.string(),
  state: v.string(),
  addresses: list(v.string()),
  /** Names of others that look like it. */
  alike: list(v.string()),
});

export const installed = v.variant('kind', [
  v.object({ kind: v.literal('certificate'), serial: v.string(), nodeId, name: v.string() }),
  v.object({ kind: v.literal('head'), number: whole, nodeId }),
  v.object({ kind: v.literal('hub'), number: whole, nodeId }),
  v.object({
    kind: v.literal('operator-key'),
    verb: v.picklist(['add', 'revoke']),
    id: v.string(),
  }),
  v.object({ kind: v.picklist(['epoch', 'revocations', 'token']), number: whole }),
]);

export const actions = v.object({
  configured: list(
    v.object({
      name: v.string(),
      enabled: v.boolean(),
      program: v.string(),
      args: list(v.string()),
      /** Regular expressions by placeholder. */
      patterns: textMap,
      user: v.nullable(v.string()),
      timeLimitMs: whole,
      outputLimit: whole,
      env: textMap,
    }),
  ),
  /** Commands of hubs, the oldest first. */
  history: list(
    v.object({
      id: v.string(),
      action: v.string(),
      args: textMap,
      askedBy: v.string(),
      startedAt: millis,
      /** Node id of the hub. */
      origin: nodeId,
      ended: v.boolean(),
    }),
  ),
  /** Actions that this host's own certificates allow it to start elsewhere, `*` for all. */
  allowed: list(v.string()),
});

export const explanation = v.object({
  columns: list(v.string()),
  tables: list(
    v.object({
      table: v.string(),
      kind: v.picklist(['snapshot', 'lookup']),
      columns: list(v.string()),
      constraints: list(v.string()),
    }),
  ),
  sensitive: list(v.string()),
  plan: list(v.string()),
  versions: v.record(v.string(), v.picklist([...VERSION_ORDERS, 'mixed'])),
});

export const outcome = v.object({
  nodeId,
  name: v.string(),
  state: v.picklist(['ok', 'error', 'refused', 'partial', 'timeout', 'unreachable', 'expired']),
  code: v.exactOptional(v.string()),
  message: v.exactOptional(v.string()),
  rowCount: whole,
  truncated: v.boolean(),
  tookMs: v.exactOptional(v.number()),
  over: v.exactOptional(v.string()),
});

export const account = v.object({
  requestId: v.string(),
  hosts: list(outcome),
  unexpected: list(outcome),
});
