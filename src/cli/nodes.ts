import type { Command } from 'commander';
import { controlOnce, type ResultOf } from '../agent/client.ts';
import { controlSocketOf } from './options.ts';
import { json, printable, table } from './text.ts';

export type NodeView = ResultOf<'nodes'>[number];

export function registerNodes(program: Command): void {
  const command = program
    .command('nodes')
    .description('list the hosts of the swarm as this host knows them')
    .option('--all', 'those that were forgotten or expelled, too')
    .option('--json', 'print JSON')
    .option('--tree', 'show by what each host came in: roll or join token')
    .action(async (options: { all?: boolean; json?: boolean; tree?: boolean }) => {
      const { all = false } = options;
      const nodes = await controlOnce(controlSocketOf(command), { op: 'nodes', all });
      if (options.tree) process.stdout.write(await tree(controlSocketOf(command), nodes));
      else process.stdout.write(options.json ? `${json(nodes)}\n` : nodeTable(nodes));
    });
}

type TokenView = ResultOf<'tokens'>[number];

/** Epoch, then what let hosts in, then the hosts. */
async function tree(socket: string, nodes: readonly NodeView[]): Promise<string> {
  const status = await controlOnce(socket, { op: 'status' });
  const tokens = await controlOnce(socket, { op: 'tokens' });
  const lines = [`epoch ${status.epoch}`];
  const branch = (title: string, hosts: readonly NodeView[]): void => {
    lines.push(`  ${title}`);
    for (const host of hosts) lines.push(`    ${hostLine(host)}`);
  };
  const onRoll = nodes.filter((node) => node.onRoll);
  branch(`roll: ${onRoll.length} hosts, named at the last rotation`, onRoll);
  for (const token of tokens) {
    const hosts = nodes.filter((node) => !node.onRoll && node.tag === token.tag);
    branch(tokenLine(token), hosts);
  }
  const tags = new Set(tokens.map((token) => token.tag));
  const others = nodes.filter(
    (node) => !node.onRoll && !(node.admitted && tags.has(node.tag ?? '')),
  );
  const left = others.filter((node) => !tags.has(node.tag ?? ''));
  if (left.length > 0) branch('left out by the last rotation', left);
  return `${lines.join('\n')}\n`;
}

function tokenLine({ tag, state, uses, seen, notAfter, note, host }: TokenView): string {
  const ends = new Date(notAfter * 1000).toISOString().slice(0, 16).replace('T', ' ');
  const more = seen > uses ? ', OVER-USED' : '';
  const who = host === '' ? '' : `, for ${printable(host)}`;
  const what = note === '' ? '' : `, ${printable(note)}`;
  return `token ${tag}: ${seen} of ${uses} hosts, ${state}, ends ${ends}${more}${who}${what}`;
}

function hostLine({ name, nodeId, state, since, self }: NodeView): string {
  const at = new Date(since).toISOString().slice(0, 19).replace('T', ' ');
  return `${printable(name)}  ${nodeId}  ${state} since ${at}${self ? ', this host' : ''}`;
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
