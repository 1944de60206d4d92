/** Hosts with packages that change at random, the same at every run, and their turns at a real hub's database. */
import type pg from 'pg';
import type { RequestEvent, RequestSpec } from '../../src/agent/index.ts';
import { toJson } from '../../src/hub/database/json-text.ts';
import { migrate } from '../../src/hub/index.ts';
import { NodeStore } from '../../src/hub/node-store.ts';
import { Queue } from '../../src/hub/queue/queue.ts';
import { MIGRATIONS_DIR, RELEASE, SQL_DIR } from '../../src/hub/release.ts';
import type { TakenRow } from '../../src/query/index.ts';
import {
  allTables,
  encodeRow,
  findTable,
  keyHash,
  rowHash,
  shapeOf,
  type Shape,
  type ShapeRow,
} from '../../src/tables/index.ts';
import { ScriptedAsker } from '../../test/hub/scripted-asker.ts';
import { BenchHost, EVERY_S, type TableNow } from './history-host.ts';

export const PACKAGES_PER_HOST = 600;
const CHURN = 0.005;

/** A package of a host, in the version it has come to. */
export interface Package extends TakenRow {
  readonly number: number;
  readonly version: number;
  readonly values: ShapeRow;
}

export class Fleet {
  readonly hosts: readonly BenchHost[];
  readonly #packages = new Map<string, readonly Package[]>();

  private constructor(hosts: readonly BenchHost[]) {
    this.hosts = hosts;
    const first = Array.from({ length: PACKAGES_PER_HOST }, (_, number) => packageOf(number, 0));
    for (const host of hosts) this.#set(host, first);
  }

  /** `others`: rows of further tables, the same at every host. */
  static async open(count: number, others: Readonly<Record<string, number>> = {}): Promise<Fleet> {
    const tables = new Map<string, TableNow>();
    for (const [name, rows] of Object.entries(others)) tables.set(name, plainTable(name, rows));
    const hosts: BenchHost[] = [];
    for (let at = 0; at < count; at++) hosts.push(await BenchHost.open(`host${at}`, tables));
    return new Fleet(hosts);
  }

  packagesOf(nodeId: string): readonly Package[] {
    return this.#packages.get(nodeId)!;
  }

  /** Each package of each host gets a new version with the chance of the churn. */
  age(): void {
    for (const host of this.hosts) {
      const aged = this.packagesOf(host.nodeId).map((one) =>
        random() < CHURN ? packageOf(one.number, one.version + 1) : one,
      );
      this.#set(host, aged);
    }
  }

  #set(host: BenchHost, rows: readonly Package[]): void {
    this.#packages.set(host.nodeId, rows);
    host.tables.set('deb_packages', { shape: PACKAGES, rows });
  }
}

/** A database as a hub has it, with the hosts in it, alive, of whom these tables are wished for. */
export async function prepareDatabase(
  pool: pg.Pool,
  hosts: readonly Pick<BenchHost, 'nodeId' | 'name'>[],
  tables: readonly string[],
): Promise<void> {
  await migrate(pool, { migrationsDir: MIGRATIONS_DIR, sqlDir: SQL_DIR, release: RELEASE });
  await new Queue(pool).makePartitions();
  const declared = allTables.map(({ name, description, columns, key }) => ({
    name,
    description,
    columns,
    key,
    sensitive: false,
  }));
  await pool.query('select swarmplane.report_host_tables($1)', [toJson(declared)]);
  const members = hosts.map(({ nodeId, name }) => ({
    identity: nodeId,
    name,
    state: 'alive',
    labels: {},
    version: RELEASE,
    hub: false,
    incarnation: 1,
    since: Date.now(),
    addresses: [],
  }));
  await new NodeStore(pool).report(toJson(members));
  await pool.query('delete from swarmplane.track_wish');
  for (const table of tables)
    await pool.query('select swarmplane.track($1, make_interval(secs => $2))', [table, EVERY_S]);
}

/** Puts a hub's requests to the hosts. */
export class FleetAsker extends ScriptedAsker {
  readonly #hosts: ReadonlyMap<string, BenchHost>;
  /** Milliseconds until the answers, added up: the hosts' own work where one is asked at a time. */
  hostMs = 0;
  readonly #asked: { readonly nodeId: string; readonly spec: Question }[] = [];

  constructor(hosts: readonly BenchHost[]) {
    super(['hub']);
    this.#hosts = new Map(hosts.map((host) => [host.nodeId, host]));
  }

  override async *request(spec: RequestSpec): AsyncIterable<RequestEvent> {
    const requestId = '0'.repeat(32);
    const nodes = spec.targets.kind === 'nodes' ? spec.targets.nodes : [];
    for (const nodeId of nodes) {
      const payload = await this.answer(nodeId, spec);
      const outcome = { nodeId, name: '', state: 'ok' as const, rowCount: 0, truncated: false };
      const proof = new Uint8Array();
      yield { kind: 'answer', requestId, outcome, payload, unexpected: false, proof };
    }
    yield { kind: 'account', requestId, account: { requestId, hosts: [], unexpected: [] } };
  }

  async answer(nodeId: string, spec: Question): Promise<Uint8Array> {
    const startedAt = performance.now();
    const payload = await this.#hosts.get(nodeId)!.answer(spec);
    this.hostMs += performance.now() - startedAt;
    this.#asked.push({ nodeId, spec });
    return payload;
  }

  forgetAsked(): void {
    this.#asked.length = 0;
    this.hostMs = 0;
  }

  /** Asks what was asked since `forgetAsked` once more, one after the other: hosts answer the same. */
  async askAgain(): Promise<Uint8Array[]> {
    const asked = [...this.#asked];
    this.forgetAsked();
    const answers: Uint8Array[] = [];
    for (const { nodeId, spec } of asked) answers.push(await this.answer(nodeId, spec));
    return answers;
  }
}

type Question = Pick<RequestSpec, 'kind' | 'body'>;

export const PACKAGES = shapeOf(findTable('deb_packages')!);

const madePackages = new Map<string, Package>();

function packageOf(number: number, version: number): Package {
  const name = `${number}.${version}`;
  const made = madePackages.get(name) ?? { number, version, ...taken(PACKAGES, values()) };
  madePackages.set(name, made);
  return made;

  function values(): ShapeRow {
    const upstream = `${1 + (number % 5)}.${number % 17}.${version}`;
    const revision = `${1 + (number % 3)}+deb12u${version}`;
    const row: Readonly<Record<string, string | number>> = {
      name: `lib${WORDS[number % WORDS.length]}-${WORDS[(number * 7) % WORDS.length]}${number}`,
      version: `${upstream}-${revision}`,
      source: number % 2 === 0 ? '' : `${WORDS[number % WORDS.length]} (${upstream})`,
      size: 1024 * (20 + ((number * 977) % 9000)),
      arch: 'amd64',
      revision,
      status: 'install ok installed',
      maintainer: `Debian ${WORDS[number % WORDS.length]} Team <team+${number % 40}@tracker.debian.org>`,
      section: 'libs',
      priority: 'optional',
      admindir: '/var/lib/dpkg',
    };
    return PACKAGES.columns.map((column) => row[column.name] ?? null);
  }
}

const WORDS = [
  'perl',
  'python3',
  'gtk',
  'xml',
  'crypto',
  'audio',
  'font',
  'kernel',
  'mail',
  'json',
];

/** A table of rows that never change. */
function plainTable(name: string, count: number): TableNow {
  const shape = shapeOf(findTable(name)!);
  const rows = Array.from({ length: count }, (_, number) =>
    taken(
      shape,
      shape.columns.map((column) =>
        column.type === 'TEXT'
          ? `${column.name} ${number}`
          : column.type === 'BLOB'
            ? null
            : number,
      ),
    ),
  );
  return { shape, rows };
}

function taken(shape: Shape, values: ShapeRow): TakenRow & { readonly values: ShapeRow } {
  const hashes = { key: keyHash(shape, values), row: rowHash(shape, values) };
  return { ...hashes, bytes: encodeRow(shape, values), values };
}

let seed = 1;

/** From 0 to 1 (mulberry32). */
function random(): number {
  seed = (seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
