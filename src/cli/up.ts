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
    const { agent, log } = await startAgent(command, options, false);
    try {
      const metrics = await serveMetrics(agent, log);
      await untilStopped(agent);
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

Example:
  $ swarmplane up --join 10.0.0.5:7411 --token-file join.token`;
