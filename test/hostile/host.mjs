// A host in a process of its own, started from dist with --expose-gc; its parent asks it over IPC.
// First message: { name, seeds, secrets, records, seed, tuning }, seed of the token for who is a member by now.
import { randomBytes } from 'node:crypto';
import { SwarmNode } from '../../dist/net/index.js';
import { Identity, signAdmission } from '../../dist/secure/index.js';

const nothing = () => undefined;
const identity = Identity.create(
  (n) => new Uint8Array(randomBytes(n)),
  Math.floor(Date.now() / 1000),
);
const payload = new TextEncoder().encode('hello');
const alarms = [];
let node;

const OPERATIONS = {
  async start({ name, seeds, secrets, records, seed, tuning }) {
    const admission = seed && signAdmission(seed, secrets.swarmId, identity.nodeId);
    const kept = new Map(records === undefined ? [] : [['records', records]]);
    node = await SwarmNode.start({
      listen: { host: '127.0.0.1', port: 0 },
      seeds,
      secrets: { ...secrets, ...(admission && { admission }) },
      identity,
      name,
      labels: {},
      version: '0.0.0',
      hub: false,
      store: {
        read: (key) => kept.get(key),
        write: async (key, bytes) => void kept.set(key, bytes),
      },
      saveSecrets: async () => undefined,
      run: async () => ({ status: 'ok', rowCount: 1, truncated: false, tookMs: 1, payload }),
      log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
      tuning,
    });
    node.onAlarm((alarm) => alarms.push(alarm));
    return { nodeId: identity.nodeId, address: node.address };
  },
  join: (address) => node.join(address),
  members: () =>
    node.members().map(({ nodeId, name, state, linked }) => ({ nodeId, name, state, linked })),
  books: () => node.books(),
  alarms: () => alarms,
  install: (bundle) => node.install(bundle),
  /** Milliseconds until the account, and how each host ended. */
  async ask(nodes) {
    const spec = { kind: 'query', body: payload, targets: { kind: 'nodes', nodes } };
    const startedAt = performance.now();
    for await (const event of node.request({ ...spec, timeoutMs: 8_000 })) {
      if (event.kind !== 'account') continue;
      const states = event.account.hosts.map(({ code, state }) => code ?? state);
      return { ms: performance.now() - startedAt, states };
    }
    throw new Error('no account');
  },
  /** Bytes that stay after garbage was collected. */
  async heap() {
    for (let n = 0; n < 3; n++) {
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  },
  /** Of processor time, in all. */
  cpu: () => process.cpuUsage(),
};

process.on('message', async ({ id, operation, argument }) => {
  try {
    process.send({ id, result: await OPERATIONS[operation](argument) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit(0));
