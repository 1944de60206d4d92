// A node in a process of its own, for tests that stop and kill it. Started from dist.
// argv[2]: JSON of { name, seeds, secrets, records, seedOfToken } with bytes as hex. Prints its address, then waits.
import { randomBytes } from 'node:crypto';
import { SwarmNode } from '../../dist/net/index.js';
import { Identity, signAdmission } from '../../dist/secure/index.js';

const given = JSON.parse(process.argv[2]);
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const nothing = () => undefined;
const identity = Identity.create(
  (n) => new Uint8Array(randomBytes(n)),
  Math.floor(Date.now() / 1000),
);
const node = await SwarmNode.start({
  listen: { host: '127.0.0.1', port: 0 },
  seeds: given.seeds,
  secrets: {
    swarmId: bytes(given.secrets.swarmId),
    operatorKey: bytes(given.secrets.operatorKey),
    epoch: given.secrets.epoch,
    epochKey: bytes(given.secrets.epochKey),
    epochId: given.secrets.epochId,
    head: bytes(given.secrets.head),
    admission: signAdmission(
      bytes(given.seedOfToken),
      bytes(given.secrets.swarmId),
      identity.nodeId,
    ),
  },
  identity,
  name: given.name,
  labels: {},
  version: '0.0.0',
  hub: false,
  store: {
    read: (key) => (key === 'records' ? bytes(given.records) : undefined),
    write: async () => undefined,
  },
  saveSecrets: async () => undefined,
  run: async () => ({
    ...{ status: 'ok', rowCount: 1, truncated: false, tookMs: 1 },
    payload: new TextEncoder().encode(`hello from ${given.name}`),
  }),
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  tuning: given.tuning,
});
process.stdout.write(`${node.address.host}:${node.address.port}\n`);
