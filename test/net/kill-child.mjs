// A host in a process of its own that may be killed at any moment. Started from dist; waits for one
// line of JSON on standard input: { name, state, seeds, advertise, token }. Keeps what it must keep in the
// state folder, and ends with 3 when it finds anything there that is neither absent nor whole.
// Prints a line of JSON whenever its links change; the line "ask" makes it ask all hosts.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { readSecrets, saveSecrets } from '../../dist/agent/state/secrets-file.js';
import { StateFolder } from '../../dist/agent/state/state-folder.js';
import { SwarmNode } from '../../dist/net/index.js';
import { Identity, signAdmission } from '../../dist/secure/index.js';

const TUNING = {
  ...{ heartbeatMs: 300, linkDeadMs: 2_000, tickMs: 50 },
  ...{ redialMinMs: 20, redialMaxMs: 100, seedRedialMs: 200, firstMessageMs: 10_000 },
  // Fifty tries a minute from one address are what this test is about.
  admission: {
    ...{ prefixPerSecond: 1e6, prefixBurst: 1e6, totalPerSecond: 1e6, totalBurst: 1e6 },
    ...{ queueMax: 32, queuePerPrefixMax: 32 },
  },
};
const bytes = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const nothing = () => undefined;
const random = (n) => new Uint8Array(randomBytes(n));
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const given = JSON.parse((await lines.next()).value);

function readState() {
  try {
    const state = StateFolder.open(given.state);
    const kept = state.read('identity');
    const identity =
      kept === undefined ? Identity.create(random, Date.now() / 1000) : Identity.parse(kept);
    if (kept === undefined) state.writeSync('identity', identity.toBytes());
    const secrets = readSecrets(state);
    return {
      state,
      identity,
      secrets: secrets === undefined ? stranger() : admitted(secrets, identity),
    };
  } catch (error) {
    console.error(`half-written: ${error.message}`);
    process.exit(3);
  }
}

// The token is in memory only, as in an agent that is told to join.
function stranger() {
  const [swarmId, joinKey, seed, tag] = given.token.map(bytes);
  return { swarmId, epoch: 0, joining: { joinKey, seed, tag } };
}

function admitted(secrets, { nodeId }) {
  if (secrets.admission !== undefined) return secrets;
  const [swarmId, , seed] = given.token.map(bytes);
  return { ...secrets, admission: signAdmission(seed, swarmId, nodeId) };
}

const { state, identity, secrets } = readState();
const node = await SwarmNode.start({
  ...{ listen: { host: '127.0.0.1', port: 0 }, seeds: given.seeds, advertise: [given.advertise] },
  ...{ secrets, identity, name: given.name, labels: {}, version: '0.0.0', hub: false },
  store: {
    read: (key) => state.read(`store-${key}`),
    write: (key, bytes) => state.write(`store-${key}`, bytes),
  },
  saveSecrets: (changed) => saveSecrets(state, changed),
  run: async () => ({
    ...{ status: 'ok', rowCount: 1, truncated: false, tookMs: 1 },
    payload: new TextEncoder().encode(given.name),
  }),
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  tuning: TUNING,
});
say({ up: `127.0.0.1:${node.address.port}`, member: secrets.epochKey !== undefined });

let said = '';
setInterval(() => {
  const linked = node
    .members()
    .filter((one) => one.linked && one.state === 'alive')
    .map((one) => one.name);
  if (linked.join() === said) return;
  said = linked.join();
  say({ linked });
}, 5);

async function join() {
  while (node.secrets.epochKey === undefined) {
    await node.join(given.seeds[0]).catch(() => new Promise((resolve) => setTimeout(resolve, 20)));
  }
}
if (given.seeds.length > 0) void join();

for await (const line of lines) {
  if (line !== 'ask') continue;
  const spec = { kind: 'query', body: new Uint8Array(1), timeoutMs: 20_000 };
  for await (const event of node.request({ ...spec, targets: { kind: 'all' } })) {
    if (event.kind !== 'account') continue;
    say({ answers: event.account.hosts.map(({ name, state }) => `${name} ${state}`).sort() });
  }
}
