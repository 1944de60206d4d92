import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';
import { json, table } from './text.ts';

/** As the op `nodes` of the control socket answers. */
export interface NodeView {
  readonly name: string;
  readonly nodeId: string;
  readonly state: string;
  readonly since: number;
  readonly addresses: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
  readonly hub: boolean;
  readonly self: boolean;
  /** What the last probe of it found; null before the first. */
  readonly probe: string | null;
}

export function registerNodes(program: Command): void {
  const command = program
    .command('nodes')
    .description('list the hosts of the swarm as this host knows them')
    .option('--all', 'those that were forgotten or expelled, too')
    .option('--json', 'print JSON')
    .action(async ({ all = false, ...options }: { all?: boolean; json?: boolean }) => {
      const value = await controlOnce(controlSocketOf(command), { op: 'nodes', all });
      const nodes = value as unknown as NodeView[];
      process.stdout.write(options.json ? `${json(nodes)}\n` : nodeTable(nodes));
    });
}

function nodeTable(nodes: readonly NodeView[]): string {
  const rows = nodes.map((node) => [
    node.name,
    node.state,
    new Date(node.since).toISOString().slice(0, 19).replace('T', ' '),
    node.addresses.join(' '),
    node.version,
    [node.hub ? 'hub' : '', node.self ? 'this host' : ''].filter(Boolean).join(', '),
    node.probe ?? '',
    node.nodeId.slice(0, 12),
  ]);
  return table(['name', 'state', 'since', 'addresses', 'version', 'role', 'probe', 'node'], rows);
}
