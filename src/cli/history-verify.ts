/** `swarmplane history verify`: the database is compared with what hosts signed, by keys of the local agent. */
import type { Command } from 'commander';
import { controlOnce } from '../agent/client.ts';
import { verifyHistory, type Fetched, type Finding, type Verified } from '../hub/index.ts';
import { askAgent } from '../agent/client.ts';
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
    .description('check that the database says of hosts what they signed, by keys it cannot change')
    .option('--database <URL>', 'the database; default: that of the hub of this state folder')
    .addHelpText('after', HELP)
    .action(
      async (host: string | undefined, table: string | undefined, _: unknown, command: Command) => {
        const socket = controlSocketOf(command);
        const { swarmId } = await controlOnce(socket, { op: 'records' });
        const nodeId = host === undefined ? undefined : await resolve(socket, host);
        const names = new Map<string, string>();
        const keysOf = async (node: string) => {
          const list = await keyList(socket, node);
          names.set(node, list?.name ?? node);
          return (
            list && new Map(list.entries.map(({ version, signKey }) => [version, bytes(signKey)]))
          );
        };
        const fetched = await askFetched(socket, nodeId);
        const fetchedOf = (node: string, of: string) => fetched.get(`${node} ${of}`);
        const options = { swarmId, nodeId, table, keysOf, fetchedOf };
        await withDatabase(command, command.optsWithGlobals(), async (pool) => {
          const counts = {
            tables: 0,
            takings: 0,
            rows: 0,
            unchecked: 0,
            uncompared: 0,
            findings: 0,
          };
          for await (const one of verifyHistory(pool, options)) {
            report(one, names.get(one.nodeId)!);
            counts.tables++;
            counts.takings += one.takings;
            counts.rows += one.rows;
            counts.unchecked += one.unchecked;
            counts.uncompared += Number(!one.compared);
            counts.findings += one.findings.length;
          }
          process.exitCode = conclude(counts);
        });
      },
    );
}

async function resolve(socket: string, node: string): Promise<string> {
  const { nodeId } = await controlOnce(socket, { op: 'resolve', node });
  return nodeId;
}

/** Undefined where this host does not know the node. */
async function keyList(socket: string, node: string): Promise<KeyList | undefined> {
  try {
    return await controlOnce(socket, { op: 'key-list', node });
  } catch (error) {
    if ((error as { code?: unknown }).code === 'unknown_host') return undefined;
    throw error;
  }
}

/** What hosts say themselves of how far hubs have fetched their takings, by `NODE TABLE`. */
async function askFetched(
  socket: string,
  nodeId: string | undefined,
): Promise<Map<string, Fetched>> {
  const found = new Map<string, Fetched>();
  const sql = 'select name, line, fetched from swarm_tracks where fetched is not null';
  const hosts = nodeId === undefined ? {} : { hosts: [nodeId] };
  await askAgent(socket, { sql, timeoutMs: ASK_MS, ...hosts }, ({ nodeId: node, rows }) => {
    for (const [, name, line, sequence] of rows)
      found.set(`${node} ${String(name)}`, { line: String(line), sequence: Number(sequence) });
  });
  return found;
}

const ASK_MS = 10_000;

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
  /** Tables of hosts that could not say what was fetched. */
  readonly uncompared: number;
  readonly findings: number;
}

function conclude({ tables, takings, rows, unchecked, uncompared, findings }: Counts): number {
  const what = `${tables} tables of hosts, ${takings} takings, ${rows} rows`;
  if (uncompared > 0)
    process.stderr.write(
      `whether the newest takings are missing is not known of ${uncompared} tables: their hosts are away, or did not hand over since they started\n`,
    );
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
Run it on any host of the swarm that can reach the database: the keys are those its agent has pinned,
and hosts that are there are asked which takings they were told are kept.
Exit codes: 0 all as signed, 1 findings, 3 some signatures could not be checked.`;
