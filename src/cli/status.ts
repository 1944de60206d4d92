import type { Command } from 'commander';
import { controlOnce, type ResultOf } from '../agent/client.ts';
import { operatorKeyHere } from './operator-key-mark.ts';
import { controlSocketOf, stateOf } from './options.ts';
import { json, table } from './text.ts';

export type AgentStatus = ResultOf<'status'>;

export function agentStatus(socketPath: string): Promise<AgentStatus> {
  return controlOnce(socketPath, { op: 'status' });
}

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .description('what the agent of this host is doing')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const operatorKey = operatorKeyHere(stateOf(command));
      const told = await agentStatus(controlSocketOf(command));
      const status = operatorKey === undefined ? told : { ...told, operatorKey };
      if (options.json) {
        process.stdout.write(`${json(status)}\n`);
        return;
      }
      const { hub, history, ...rest } = status;
      const rows = [
        ...Object.entries(rest).filter(([what]) => what !== 'books'),
        ...Object.entries(hub ?? {}).flatMap(([what, says]) =>
          says.split('\n').map((line) => [`hub ${what}`, line]),
        ),
        ...historyRows(history),
      ];
      process.stdout.write(table(['what', 'value'], rows as [string, string][]));
    });
}

function historyRows({ journalBytes, tables }: AgentStatus['history']): [string, string][] {
  if (tables.length === 0) return [];
  const rows = tables.map(({ table, every, sequence, at }): [string, string] => {
    const last =
      at === null ? 'not taken yet' : `taking ${sequence} at ${new Date(at).toISOString()}`;
    return [`tracks ${table}`, `every ${every} s, ${last}`];
  });
  return [['journal bytes', String(journalBytes)], ...rows];
}
