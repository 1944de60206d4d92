import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import type { HistoryStatus } from '../agent/index.ts';
import { controlSocketOf } from './options.ts';
import { json, table } from './text.ts';

/** What `status` answers; `hub` only where a hub runs in the same process. */
export interface AgentStatus {
  readonly name: string;
  readonly nodeId: string;
  readonly version: string;
  readonly address: string;
  readonly pid: number;
  readonly members: number;
  readonly alive: number;
  readonly rssBytes: number;
  readonly hub: Readonly<Record<string, string>> | null;
  readonly history: HistoryStatus;
}

export async function agentStatus(socketPath: string): Promise<AgentStatus> {
  return (await controlOnce(socketPath, { op: 'status' })) as unknown as AgentStatus;
}

export function registerStatus(program: Command): void {
  const command = program
    .command('status')
    .description('what the agent of this host is doing')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const status = await agentStatus(controlSocketOf(command));
      if (options.json) {
        process.stdout.write(`${json(status)}\n`);
        return;
      }
      const { hub, history, ...rest } = status;
      const rows = [
        ...Object.entries(rest),
        ...Object.entries(hub ?? {}).map(([k, v]) => [`hub ${k}`, v]),
        ...historyRows(history),
      ];
      process.stdout.write(table(['what', 'value'], rows as [string, string][]));
    });
}

function historyRows({ journalBytes, tables }: HistoryStatus): [string, string][] {
  if (tables.length === 0) return [];
  const rows = tables.map(({ table, every, sequence, at }): [string, string] => {
    const last =
      at === null ? 'not taken yet' : `taking ${sequence} at ${new Date(at).toISOString()}`;
    return [`tracks ${table}`, `every ${every} s, ${last}`];
  });
  return [['journal bytes', String(journalBytes)], ...rows];
}
