/** Real nodes on loopback for tests, all stopped by `stopAll`. */
import { randomBytes } from 'node:crypto';
import { SwarmNode, type NetOptions, type NetTuning } from '../../src/net/index.ts';
import {
  Identity,
  OperatorKey,
  createEpoch,
  createJoinToken,
  deriveTokenKeys,
  issueToken,
  signAdmission,
  type EpochHead,
  type NewEpoch,
  type SwarmSecrets,
  type TokenKeys,
  type TokenRecord,
} from '../../src/secure/index.ts';
import { packRecords } from '../../src/swarm/index.ts';
import type { Alarm, MemberView, RunOutcome, Tuning } from '../../src/swarm/index.ts';
import { toHex, utf8 } from '../../src/wire/index.ts';
import { until as eventuallyHolds } from '../helpers/eventually.ts';

export const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n));

/** Times short enough for tests, long enough for a busy machine. */
export const QUICK: Partial<Tuning & NetTuning> = {
  heartbeatMs: 300,
  linkDeadMs: 2_000,
  redialMinMs: 50,
  redialMaxMs: 500,
  seedRedialMs: 1_000,
  tickMs: 50,
};

export interface TestSwarm {
  readonly operator: OperatorKey;
  /** Of a member, but for its admission: `startNode` and `RawMember` give each identity its own. */
  readonly secrets: SwarmSecrets;
  /** Of a host that only has the join token; each call its own, since a seed is wiped after use. */
  readonly stranger: SwarmSecrets;
  readonly head: EpochHead;
  /** What members hold of the operator's, as their file. */
  readonly records: Uint8Array;
  readonly tokenRecord: TokenRecord;
  readonly tokenKeys: TokenKeys;
  /** The words of the token. */
  readonly token: string;
  readonly joinSecret: Uint8Array;
}

/** A swarm whose roll is one host that is never there, and a token that all others came by. */
export async function createSwarm(uses = 1000): Promise<TestSwarm> {
  const operator = OperatorKey.create(random);
  const { swarmId, publicKey: operatorKey } = operator;
  const epochKey = random(32);
  const founder = Identity.create(random, Math.floor(Date.now() / 1000));
  const { head, parts } = newEpoch(operator, [founder], { epoch: 1, epochKey });
  const { secret, text: token } = createJoinToken({ swarmId, random });
  const tokenKeys = await deriveTokenKeys(secret, swarmId);
  const tokenRecord = newToken(operator, head, tokenKeys, uses);
  const secrets = {
    swarmId,
    operatorKey,
    operators: [],
    epochKey,
    epoch: 1,
    epochId: head.id,
    head: head.bytes,
  };
  const { joinKey, seed, tag } = tokenKeys;
  const swarm: TestSwarm = {
    operator,
    secrets,
    token,
    joinSecret: secret,
    head,
    tokenRecord,
    tokenKeys,
    records: recordsOf(head, parts, tokenRecord),
    get stranger() {
      return { swarmId, epoch: 0, joining: { joinKey, seed: seed.slice(), tag } };
    },
  };
  swarms.set(toHex(swarmId), swarm);
  return swarm;
}

export function newEpoch(
  operator: OperatorKey,
  identities: readonly Identity[],
  options: { epoch: number; epochKey?: Uint8Array; parent?: string },
): NewEpoch {
  return createEpoch(operator, {
    epochKey: random(32),
    parent: undefined,
    random,
    ...options,
    nowSeconds: Math.floor(Date.now() / 1000),
    members: identities.map(({ newest }) => ({ entry: newest, nameTag: new Uint8Array(8) })),
  });
}

export function newToken(
  operator: OperatorKey,
  head: EpochHead,
  { publicKey, joinKey }: TokenKeys,
  uses: number,
): TokenRecord {
  const made = Math.floor(Date.now() / 1000) - 60;
  return issueToken(operator, {
    epochId: head.id,
    version: 1,
    publicKey,
    joinKey,
    uses,
    made,
    notAfter: made + 86_400,
    note: '',
    host: '',
    state: 'open',
  });
}

export function recordsOf(
  head: EpochHead,
  parts: readonly Uint8Array[],
  ...tokens: readonly TokenRecord[]
): Uint8Array {
  return packRecords({
    records: [head.bytes, ...tokens.map((token) => token.bytes)],
    parts: parts.map((bytes, number) => ({ epoch: head.id, number, bytes })),
  });
}

const swarms = new Map<string, TestSwarm>();

/** The swarm that secrets are of, where it was made here. */
export function swarmOf(secrets: SwarmSecrets): TestSwarm | undefined {
  return swarms.get(toHex(secrets.swarmId));
}

/** The same with an admission of this identity, unless they have one, or are a stranger's. */
export function admitted(secrets: SwarmSecrets, identity: Identity): SwarmSecrets {
  const swarm = swarmOf(secrets);
  if (secrets.epochKey === undefined || secrets.admission !== undefined || !swarm) return secrets;
  const { seed } = swarm.tokenKeys;
  return { ...secrets, admission: signAdmission(seed, secrets.swarmId, identity.nodeId) };
}

export interface TestNode {
  readonly node: SwarmNode;
  readonly name: string;
  readonly identity: Identity;
  readonly address: string;
  readonly alarms: Alarm[];
  /** As told to `saveSecrets`, in order. */
  readonly saved: SwarmSecrets[];
  /** Every line logged, as `message {fields}`. */
  readonly logged: string[];
  readonly store: Map<string, Uint8Array>;
}

const running = new Set<SwarmNode>();

export async function startNode(
  name: string,
  secrets: SwarmSecrets,
  options: Partial<NetOptions> & { kept?: Map<string, Uint8Array> } = {},
): Promise<TestNode> {
  const { kept: store = new Map<string, Uint8Array>(), ...rest } = options;
  const identity = rest.identity ?? Identity.create(random, Math.floor(Date.now() / 1000));
  const records = secrets.epochKey && swarmOf(secrets)?.records;
  if (records !== undefined && !store.has('records')) store.set('records', records);
  const saved: SwarmSecrets[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string): void =>
    void logged.push(`${message} ${JSON.stringify(fields, showError)}`);
  const node = await SwarmNode.start({
    listen: { host: '127.0.0.1', port: 0 },
    seeds: [],
    secrets: admitted(secrets, identity),
    identity,
    name,
    labels: {},
    version: '0.0.0',
    hub: false,
    store: {
      read: (key) => store.get(key),
      write: async (key, bytes) => void store.set(key, bytes),
    },
    saveSecrets: async (changed) => void saved.push(changed),
    run: async () => answer(`hello from ${name}`),
    log: { debug: log, info: log, warn: log, error: log },
    ...rest,
    tuning: { ...QUICK, ...rest.tuning },
  });
  running.add(node);
  const alarms: Alarm[] = [];
  node.onAlarm((alarm) => alarms.push(alarm));
  const address = `${node.address.host}:${node.address.port}`;
  return { node, name, identity, address, alarms, saved, logged, store };
}

export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((node) => node.stop()));
  running.clear();
}

export function answer(text: string): RunOutcome {
  const payload = utf8(text);
  return { status: 'ok', rowCount: 1, truncated: false, tookMs: 1, payload };
}

/** Resolves when `condition` holds; an error with its text when it does not. */
export async function until(condition: () => boolean): Promise<void> {
  await eventuallyHolds(condition, condition.toString(), { everyMs: 5 });
}

export function member(of: TestNode, name: string): MemberView | undefined {
  return of.node.members().find((one) => one.name === name);
}

/** Each of `nodes` has each other one as an alive, linked member. */
export async function meshed(...nodes: readonly TestNode[]): Promise<void> {
  const sees = (a: TestNode, b: TestNode): boolean => {
    const view = member(a, b.name);
    return view?.state === 'alive' && (a === b || view.linked);
  };
  await until(() => nodes.every((a) => nodes.every((b) => sees(a, b))));
}

function showError(_key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value instanceof Error ? value.message : value;
}
