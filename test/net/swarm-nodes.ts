/** Real nodes on loopback for tests, all stopped by `stopAll`. */
import { randomBytes } from 'node:crypto';
import { SwarmNode, type NetOptions, type NetTuning } from '../../src/net/index.ts';
import {
  Identity,
  OperatorKey,
  createJoinToken,
  deriveJoinKey,
  type SwarmSecrets,
} from '../../src/secure/index.ts';
import type { Alarm, MemberView, RunOutcome, Tuning } from '../../src/swarm/index.ts';
import { utf8 } from '../../src/wire/index.ts';

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
  /** Of a member. */
  readonly secrets: SwarmSecrets;
  /** Of a host that only has the join token. */
  readonly stranger: SwarmSecrets;
  /** The words of the token. */
  readonly token: string;
  readonly joinSecret: Uint8Array;
}

export async function createSwarm(): Promise<TestSwarm> {
  const operator = OperatorKey.create(random);
  const { swarmId, publicKey: operatorKey } = operator;
  const token = createJoinToken({ swarmId, epoch: 1, random });
  const joinKey = await deriveJoinKey(token.secret, swarmId);
  const stranger = { swarmId, epoch: 1, joinKey };
  const secrets = { ...stranger, operatorKey, epochKey: random(32) };
  return { operator, secrets, stranger, token: token.text, joinSecret: token.secret };
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
  const saved: SwarmSecrets[] = [];
  const logged: string[] = [];
  const log = (fields: object, message: string): void =>
    void logged.push(`${message} ${JSON.stringify(fields, showError)}`);
  const node = await SwarmNode.start({
    listen: { host: '127.0.0.1', port: 0 },
    ...{ seeds: [], secrets, identity, name, labels: {}, version: '0.0.0', hub: false },
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

/** Resolves when `condition` holds; looked at on every turn of a short timer. The test's own limit ends it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
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
