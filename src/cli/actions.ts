import type { Command } from 'commander';
import { controlOnce, type ResultOf } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';
import { json, table } from './text.ts';

export type ActionsView = ResultOf<'actions'>;

export function agentActions(socketPath: string): Promise<ActionsView> {
  return controlOnce(socketPath, { op: 'actions' });
}

export function registerActions(program: Command): void {
  const command = program
    .command('actions')
    .description('list what hubs may start on this host, or with --log what they started')
    .option('--log', 'the last 100 commands: when, what, who asked for it, its id')
    .option('--json', 'print JSON')
    .addHelpText('after', HELP)
    .action(async (options: { log?: boolean; json?: boolean }) => {
      const { configured, history } = await agentActions(controlSocketOf(command));
      const shown = options.log ? history : configured;
      if (options.json) process.stdout.write(`${json(shown)}\n`);
      else process.stdout.write(options.log ? historyTable(history) : actionTable(configured));
    });
}

function actionTable(actions: ActionsView['configured']): string {
  const rows = actions.map((action) => [
    action.name,
    action.enabled ? 'yes' : 'no',
    action.user ?? '',
    `${action.timeLimitMs / 1000} s`,
    [action.program, ...action.args].join(' '),
  ]);
  return table(['action', 'enabled', 'user', 'time limit', 'command'], rows);
}

function historyTable(commands: ActionsView['history']): string {
  const rows = commands.map((it) => [
    new Date(it.startedAt).toISOString().slice(0, 19).replace('T', ' '),
    it.action,
    JSON.stringify(it.args),
    it.askedBy,
    it.ended ? 'ended' : 'running',
    it.id,
  ]);
  return table(['started', 'action', 'args', 'asked by', 'state', 'command'], rows);
}

const HELP = `
Actions are configured in config.yaml in the state folder; restart the agent after a change.
A hub needs a certificate for them: swarmplane operator grant HUB --role commander --actions A,B`;
