/** What `up` and `hub` share: the agent of this state folder, joining a swarm first where asked to. */
import type { Command } from 'commander';
import {
  Agent,
  createLog,
  hasLeft,
  isInitialised,
  leftAt,
  loadConfig,
  notAMember,
  ADDRESS_FORM,
  parseAddress,
  prepareJoin,
  StateFolder,
  type Log,
} from '../agent/index.ts';
import type { Hub } from '../hub/index.ts';
import { CliError, EXIT, reportError } from './errors.ts';
import { joinSwarm } from './join.ts';
import { readToken, refuseToken, stateOf, withHostOptions, type HostOptions } from './options.ts';

export interface UpOptions extends HostOptions {
  readonly join?: string;
  readonly tokenFile?: string;
  readonly rejoin?: boolean;
}

export function withUpOptions(command: Command): Command {
  return withHostOptions(command)
    .option('--join <HOST:PORT>', 'a member that lets this host in')
    .option('--token-file <FILE>', 'read the join token from FILE, not from standard input')
    .option('--rejoin', 'take this host back into the swarm after `swarmplane leave`');
}

export interface Started {
  readonly agent: Agent;
  readonly state: StateFolder;
  readonly log: Log;
}

/** Undefined where this host has left the swarm and the process was told to end. */
export async function startAgent(
  command: Command,
  options: UpOptions,
  hub: boolean,
): Promise<Started | undefined> {
  const state = StateFolder.open(stateOf(command));
  if (isInitialised(state)) {
    if (options.rejoin !== true && (await isOut(state))) return undefined;
    return startMember(state, options, hub);
  }
  if (options.join === undefined) throw notAMember(state);
  return join(state, options, options.join, hub);
}

/**
 * A member already: --join names one more address to find the others by. Where a rotation has left it
 * out, the token lets it in again as the host that it is.
 */
async function startMember(state: StateFolder, options: UpOptions, hub: boolean): Promise<Started> {
  const config = loadConfig(state);
  const seeds = options.join === undefined ? [] : [checkedAddress(options.join)];
  const log = createLog(config.log, config.name);
  const agent = await Agent.start({
    state,
    config: { ...config, seeds: [...config.seeds, ...seeds] },
    hub,
    log,
    ...(options.rejoin === true && { rejoin: true }),
  });
  // What the last run was about to enter, it enters first.
  await agent.node.settled();
  if (options.join !== undefined && agent.isLeftOut) {
    await rejoin(agent, options.join, await readToken(options.tokenFile), log);
  }
  return { agent, state, log };
}

/**
 * On a terminal a person reads why nothing starts. A supervisor gets a process that does nothing until
 * it is told to end, or a person takes the host back: one that ended would be started again and again.
 * True when it was told to end. @throws AgentError `has_left`
 */
async function isOut(state: StateFolder): Promise<boolean> {
  const left = leftAt(state);
  if (left === undefined) return false;
  const why = hasLeft(state, left);
  if (process.stderr.isTTY) throw why;
  reportError(why);
  return waitFor(() => leftAt(state) === undefined);
}

/** False once it is so; true when the process was told to end before. */
function waitFor(isSo: () => boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const looks = setInterval(() => isSo() && end(false), LOOK_MS);
    const stop = (): void => end(true);
    const end = (told: boolean): void => {
      clearInterval(looks);
      for (const signal of STOPS) process.off(signal, stop);
      resolve(told);
    };
    for (const signal of STOPS) process.on(signal, stop);
  });
}

const LOOK_MS = 1_000;
const STOPS = ['SIGINT', 'SIGTERM'] as const;

async function rejoin(agent: Agent, seed: string, token: string, log: Log): Promise<void> {
  try {
    await agent.prepareRejoin(token);
  } catch (error) {
    await agent.stop();
    throw error;
  }
  await letIn(agent, [seed], log);
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
  await letIn(agent, [...new Set([seed, ...config.seeds])], log);
  return { agent, state, log };
}

/** Stops the agent when nobody lets it in, or somebody gives up waiting. */
async function letIn(agent: Agent, addresses: readonly string[], log: Log): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new CliError(`gave up joining through ${addresses[0]}`));
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.once(signal, abort);
  try {
    const member = await joinSwarm(agent, addresses, log, stop.signal);
    log.info({ member }, 'joined the swarm');
  } catch (error) {
    await agent.stop();
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    for (const signal of signals) process.off(signal, abort);
  }
}

function checkedAddress(text: string): string {
  if ((parseAddress(text)?.port ?? 0) > 0) return text;
  refuseToken(text, '--join');
  throw new CliError(
    `${JSON.stringify(text)} is no address`,
    `write it as ${ADDRESS_FORM}`,
    EXIT.usage,
  );
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
