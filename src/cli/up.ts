import type { Command } from 'commander';
import {
  serveMetrics,
  startAgent,
  untilStopped,
  withUpOptions,
  type UpOptions,
} from './start-agent.ts';

export function registerUp(program: Command): void {
  const command = program
    .command('up')
    .description('run the agent of this host, in the foreground')
    .addHelpText('after', HELP);
  withUpOptions(command).action(async (options: UpOptions) => {
    const started = await startAgent(command, options, false);
    if (started === undefined) return;
    const { agent, log } = started;
    const end = untilStopped(agent);
    try {
      const metrics = await serveMetrics(agent, log);
      await end;
      log.info('stopping');
      await metrics.stop();
    } finally {
      await agent.stop();
    }
  });
}

const HELP = `
--name and --listen are written into the configuration when the host joins; later the file rules.
The join token is read from --token-file, standard input or a prompt, never from the command line.

A host that has left (\`swarmplane leave\`) stays out: at a terminal this ends with exit code 1, under
a supervisor it waits, does nothing, and ends with exit code 0 when told to. --rejoin, or
\`swarmplane rejoin\` beside it, takes the host back.

Example:
  $ swarmplane up --join 10.0.0.5:7411 --token-file join.token`;
