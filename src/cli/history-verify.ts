/** `swarmplane history verify`: the database is compared with what hosts signed, by keys of the local agent. */
import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { verifyHistory, type Finding, type Verified } from '../hub/index.ts';
import { EXIT } from './errors.ts';
import { withDatabase } from './history-database.ts';
import { controlSocketOf } from './options.ts';
import { printable, timeText } from './text.ts';

interface KeyList {
  readonly name: string;
  readonly entries: readonly { readonly version: number; readonly signKey: string }[];
}

export function registerVerify(history: Command): void {
  history
    .command('verify')
    .argument('[host]', 'name or node id of one host, as the local agent knows it')
    .argument('[table]', 'one tracked table')
    .description(
      'check that the database says of hosts what they signed, by keys it can not change',
    )
    .option('--database <URL>', 'the database; default: that of the hub of this state folder')
    .addHelpText('after', HELP)
    .action(
      async (host: string | undefined, table: string | undefined, _: unknown, command: Command) => {
        const socket = controlSocketOf(command);
        const { swarmId } = (await controlOnce(socket, { op: 'records' })) as {
          swarmId: Uint8Array;
        };
        const nodeId = host === undefined ? undefined : await resolve(socket, host);
        const names = new Map<string, string>();
        const keysOf = async (node: string) => {
          const list = await keyList(socket, node);
          names.set(node, list?.name ?? node);
          return (
            list && new Map(list.entries.map(({ version, signKey }) => [version, bytes(signKey)]))
          );
        };
        await withDatabase(command, command.optsWithGlobals(), async (pool) => {
          const counts = { tables: 0, takings: 0, rows: 0, unchecked: 0, findings: 0 };
          for await (const one of verifyHistory(pool, { swarmId, nodeId, table, keysOf })) {
            report(one, names.get(one.nodeId)!);
            counts.tables++;
            counts.takings += one.takings;
            counts.rows += one.rows;
            counts.unchecked += one.unchecked;
            counts.findings += one.findings.length;
          }
          process.exitCode = conclude(counts);
        });
      },
    );
}

async function resolve(socket: string, node: string): Promise<string> {
  const { nodeId } = (await controlOnce(socket, { op: 'resolve', node })) as { nodeId: string };
  return nodeId;
}

/** Undefined where this host does not know the node. */
async function keyList(socket: string, node: string): Promise<KeyList | undefined> {
  try {
    return (await controlOnce(socket, { op: 'key-list', node })) as unknown as KeyList;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'not_running' || code === 'control_failed') throw error;
    return undefined;
  }
}

function report({ findings, unchecked, table, takings }: Verified, name: string): void {
  for (const finding of findings) process.stdout.write(findingLine(finding, name));
  if (unchecked > 0)
    process.stderr.write(
      `${printable(name)} ${printable(table)}: ${unchecked} of ${takings} signatures not checked: this host does not know the key\n`,
    );
}

function findingLine({ table, sequence, at, what }: Finding, name: string): string {
  const taking =
    sequence === undefined ? 'no taking' : `taking ${sequence} of ${timeText(new Date(at!))}`;
  return `${printable(name)} ${printable(table)}, ${taking}: ${printable(what)}\n`;
}

interface Counts {
  readonly tables: number;
  readonly takings: number;
  readonly rows: number;
  readonly unchecked: number;
  readonly findings: number;
}

function conclude({ tables, takings, rows, unchecked, findings }: Counts): number {
  const what = `${tables} tables of hosts, ${takings} takings, ${rows} rows`;
  if (findings > 0) {
    process.stderr.write(`${what}: ${findings} findings\n`);
    return EXIT.failed;
  }
  const left = unchecked === 0 ? '' : `, but for ${unchecked} signatures not checked`;
  process.stdout.write(`${what}: all as the hosts signed it${left}\n`);
  return unchecked === 0 ? EXIT.ok : EXIT.incomplete;
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

const HELP = `
Run it on any host of the swarm that can reach the database: the keys are those its agent has pinned.
Exit codes: 0 all as signed, 1 findings, 3 some signatures could not be checked.`;
