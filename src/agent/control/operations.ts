/**
 * Every operation of a running agent, with the shape of its request and of what comes back: the one
 * table that the control socket checks against at both of its ends, and that the command line (and
 * what comes after it) takes its types from. `item` comes any number of times before `result` ends
 * the operation.
 */
import * as v from 'valibot';
import { AgentError } from '../errors.ts';
import * as shapes from './shapes.ts';
import { bytes, list, nodeId, whole } from './shapes.ts';

/** Requests live at most this long (docs/protocol.md section 8). */
const TIMEOUT_MS_MAX = 10 * 60_000;
/** A host as people name it: its name, its node id, or the beginning of that. */
const someHost = v.pipe(v.string(), v.nonEmpty('a host is missing'));
const nothing = v.strictObject({});

interface Operation {
  /** Strict: what an older agent does not know must not be passed over in silence. */
  readonly request: v.GenericSchema;
  readonly item?: v.GenericSchema;
  readonly result: v.GenericSchema;
}

export const OPERATIONS = {
  status: { request: nothing, result: shapes.agentStatus },
  health: { request: nothing, result: shapes.health },
  /** `all`: those that were forgotten or expelled, too. */
  nodes: {
    request: v.strictObject({ all: v.exactOptional(v.boolean()) }),
    result: list(shapes.node),
  },
  forget: {
    request: v.strictObject({ node: someHost }),
    result: v.object({ name: v.string(), nodeId }),
  },
  leave: { request: nothing, result: v.literal(true) },
  /** Takes the next identity key of this host into use. */
  'rotate-key': { request: nothing, result: v.object({ version: whole }) },
  /** The key list of a host as this one has pinned it. */
  'key-list': { request: v.strictObject({ node: someHost }), result: shapes.keyList },
  /** Which host a name means, whatever its state, and up to three whose names look like it. */
  resolve: { request: v.strictObject({ node: someHost }), result: shapes.meant },
  /**
   * Hands over what the operator signed: a certificate alone, or records that belong together, with
   * the parts of the EPOCH among them, all or nothing.
   */
  install: {
    request: v.strictObject({
      records: v.pipe(v.array(bytes), v.minLength(1), v.readonly()),
      parts: v.exactOptional(list(bytes)),
    }),
    result: shapes.installed,
  },
  /** The members by id, 500 at once behind `after`. */
  records: {
    request: v.strictObject({ after: v.exactOptional(nodeId) }),
    result: shapes.recordsPage,
  },
  /** The keys of the operator, the most senior first. */
  'operator-keys': { request: nothing, result: list(shapes.operatorKey) },
  /** The join tokens of the present epoch. */
  tokens: { request: nothing, result: list(shapes.token) },
  actions: { request: nothing, result: shapes.actions },
  explain: { request: v.strictObject({ sql: v.string() }), result: shapes.explanation },
  query: {
    request: v.strictObject({
      sql: v.string(),
      hosts: v.exactOptional(list(someHost)),
      timeoutMs: v.pipe(v.number(), v.minValue(1), v.maxValue(TIMEOUT_MS_MAX)),
    }),
    /** One host as it answers, its rows still packed. */
    item: v.object({ outcome: shapes.outcome, payload: bytes }),
    result: shapes.account,
  },
} as const satisfies Readonly<Record<string, Operation>>;

export type OperationName = keyof typeof OPERATIONS;
type Table = typeof OPERATIONS;

/** What the operation is asked with. */
export type RequestOf<N extends OperationName> = v.InferOutput<Table[N]['request']>;
export type ResultOf<N extends OperationName> = v.InferOutput<Table[N]['result']>;
/** `never` for operations without items. */
export type ItemOf<N extends OperationName> = Table[N] extends {
  item: infer S extends v.GenericSchema;
}
  ? v.InferOutput<S>
  : never;

/** One request as it travels: the operation's name beside what it is asked with. */
export type ControlRequest = {
  [N in OperationName]: { readonly op: N } & RequestOf<N>;
}[OperationName];

/**
 * What arrived at the agent's door, checked.
 * @throws AgentError `invalid_request`, naming the operation, the place and the value
 */
export function parseRequest(message: unknown): ControlRequest {
  const { op, ...request } = Object(message) as { op?: unknown };
  const operation = OPERATIONS[op as OperationName] as Operation | undefined;
  if (typeof op !== 'string' || !Object.hasOwn(OPERATIONS, op) || operation === undefined) {
    throw new AgentError('invalid_request', `this agent does not know ${show(op)}`, VERSIONS);
  }
  const parsed = v.safeParse(operation.request, request);
  if (parsed.success) return { op, ...Object(parsed.output) } as ControlRequest;
  throw new AgentError('invalid_request', `${op}: ${firstIssue(parsed.issues)}`, VERSIONS);
}

/** What an agent yielded, checked. @throws AgentError `control_failed` */
export function parseItem<N extends OperationName>(op: N, value: unknown): ItemOf<N> {
  const { item } = OPERATIONS[op] as Operation;
  if (item === undefined) throw unreadable(op, 'no items are due');
  return parsedBy(item, op, value) as ItemOf<N>;
}

/** What an agent ended with, checked. @throws AgentError `control_failed` */
export function parseResult<N extends OperationName>(op: N, value: unknown): ResultOf<N> {
  return parsedBy(OPERATIONS[op].result, op, value) as ResultOf<N>;
}

function parsedBy(schema: v.GenericSchema, op: string, value: unknown): unknown {
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw unreadable(op, firstIssue(parsed.issues));
}

function unreadable(op: string, why: string): AgentError {
  const message = `the agent's answer to ${show(op)} cannot be read: ${why}`;
  return new AgentError('control_failed', message, VERSIONS);
}

/** The first place that is wrong, and what is there; a record of the operator may be long. */
function firstIssue([issue]: readonly v.BaseIssue<unknown>[]): string {
  const path = v.getDotPath(issue!);
  return `${path === null ? '' : `${path}: `}${issue!.message}`.slice(0, MESSAGE_MAX);
}

const MESSAGE_MAX = 300;

function show(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100);
}

const VERSIONS = 'the agent and the command line may be of different versions: restart the agent';
