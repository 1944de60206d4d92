/** What `up` and `hub` share: the agent of this state folder, joining a swarm first where asked to. */
import type { Command } from 'commander';
import {
  Agent,
  AgentError,
  createLog,
  isInitialised,
  loadConfig,
  parseAddress,
  prepareJoin,
  StateFolder,
  type Log,
} from '../agent/index.ts';
import type { Hub } from '../hub/index.ts';
import { CliError, EXIT } from './errors.ts';
import { joinSwarm } from './join.ts';
import { readToken, stateOf, withHostOptions, type HostOptions } from './options.ts';

export interface UpOptions extends HostOptions {
  readonly join?: string;
  readonly tokenFile?: string;
}

export function withUpOptions(command: Command): Command {
  return withHostOptions(command)
    .option('--join <HOST:PORT>', 'a member that lets this host in')
    .option('--token-file <FILE>', 'read the join token from FILE, not from standard input');
}

export interface Started {
  readonly agent: Agent;
  readonly state: StateFolder;
  readonly log: Log;
}

export async function startAgent(
  command: Command,
  options: UpOptions,
  hub: boolean,
): Promise<Started> {
  const state = StateFolder.open(stateOf(command));
  if (isInitialised(state)) return startMember(state, options, hub);
  if (options.join === undefined) {
    throw new AgentError(
      'not_initialised',
      `${JSON.stringify(state.path)} belongs to no swarm yet`,
      'run `swarmplane init` for a new swarm, or add --join HOST:PORT to join one',
    );
  }
  return join(state, options, options.join, hub);
}

/** A member already: --join names one more address to find the others by. */
async function startMember(state: StateFolder, options: UpOptions, hub: boolean): Promise<Started> {
  const config = loadConfig(state);
  const seeds = options.join === undefined ? [] : [checkedAddress(options.join)];
  const log = createLog(config.log, config.name);
  const agent = await Agent.start({
    state,
    config: { ...config, seeds: [...config.seeds, ...seeds] },
    hub,
    log,
  });
  return { agent, state, log };
}

async function join(
  state: StateFolder,
  options: UpOptions,
  seed: string,
  hub: boolean,
): Promise<Started> {
  checkedAddress(seed);
  const token = await readToken(options.tokenFile);
  const { joining, config } = await prepareJoin(state, options, seed, token);
  const log = createLog(config.log, config.name);
  const agent = await Agent.start({ state, config, hub, log, joining });
  const stop = new AbortController();
  const abort = (): void => stop.abort(new CliError(`gave up joining through ${seed}`));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, abort);
  try {
    const addresses = [...new Set([seed, ...config.seeds])];
    const member = await joinSwarm(agent, addresses, log, stop.signal);
    log.info({ member }, 'joined the swarm');
  } catch (error) {
    await agent.stop();
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
  return { agent, state, log };
}

function checkedAddress(text: string): string {
  try {
    parseAddress(text);
    return text;
  } catch (error) {
    throw new CliError(
      `${JSON.stringify(text)} is no address`,
      `write it as ${(error as Error).message}`,
      EXIT.usage,
    );
  }
}

/**
 * Serves metrics where the configuration says so; resolves with how to end that. A hub that starts
 * later in the same process is told of with `setHub`.
 * @throws WebError
 */
export async function serveMetrics(
  agent: Agent,
  log: Log,
): Promise<{ setHub(hub: Pick<Hub, 'figures'> | undefined): void; stop(): Promise<void> }> {
  const { metrics } = agent.config;
  if (metrics === undefined) return { setHub: () => {}, stop: async () => {} };
  const { WebServer } = await import('../web/index.ts');
  let hub: Pick<Hub, 'figures'> | undefined;
  const source = { agent: () => agent.figures(), hub: async () => hub?.figures() };
  const server = await WebServer.start({ listen: metrics.listen, source, log });
  return { setHub: (started) => (hub = started), stop: () => server.stop() };
}

/**
 * Resolves at the first SIGINT or SIGTERM, when the agent stops by itself (`swarmplane leave`), or,
 * for an agent of the demo, when the demo is gone.
 */
export async function untilStopped(agent: Agent): Promise<void> {
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
    if (process.connected) process.once('disconnect', () => resolve());
    void agent.stopped().then(resolve);
  });
  // The channel to the demo would keep this process alive.
  if (process.connected) process.disconnect();
}
