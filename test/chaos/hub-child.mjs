// A hub as a process, with times short enough to be killed often:
// hub-child.mjs --state FOLDER DATABASE_URL. SIGTERM is the graceful stop.
import { Agent, createLog, loadConfig, StateFolder } from '../../dist/agent/index.js';
import { Hub } from '../../dist/hub/index.js';

const [, folder, databaseUrl] = process.argv.slice(2);
const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());

const state = StateFolder.open(folder);
const log = createLog('info', 'chaos');
const agent = await Agent.start({ state, config: loadConfig(state), hub: true, log });
const hub = await Hub.start({
  ...{ databaseUrl, asker: agent, spoolFolder: state.file('spool'), log, signal: stopping.signal },
  tuning: { heartbeatMs: 500, pollMs: 1_000, settleMs: 1_000, nodesMs: 2_000, stopMs: 2_000 },
}).catch((error) => {
  if (!stopping.signal.aborted) throw error;
});
if (!stopping.signal.aborted) {
  agent.hubStatus = { state: 'ready', url: databaseUrl };
  await new Promise((resolve) => stopping.signal.addEventListener('abort', resolve));
}
await hub?.stop();
await agent.stop();
