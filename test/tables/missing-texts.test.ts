/**
 * A text that a host has not is '' or NULL as in osquery: there a column that every row sets is '',
 * and one that is set only where there is something is NULL. Which are which is read from osquery's
 * source (5.x), whose file is named beside each table.
 */
import { expect, it } from 'vitest';
import { rowValues } from '../../src/query/snapshot.ts';
import { allTables, TableError } from '../../src/tables/index.ts';
import type { Column, HostTable, Row } from '../../src/tables/types.ts';
import { rowsOf } from './lib/context.ts';

const RULE = `target src_port dst_port src_ip src_mask iniface iniface_mask dst_ip dst_mask outiface
  outiface_mask match`;
const NAMESPACES = `cgroup_namespace ipc_namespace mnt_namespace net_namespace pid_namespace
  user_namespace uts_namespace`;

/** Columns of texts that osquery sets only where there is something. */
const SET_AT_TIMES: Readonly<Record<string, readonly [source: string, columns: string]>> = {
  apt_sources: ['posix/apt_sources.cpp', 'release version maintainer components architectures'],
  block_devices: ['linux/block_devices.cpp', 'parent vendor model serial uuid type label'],
  crontab: ['posix/crontab.cpp', 'event minute hour day_of_month month day_of_week'],
  curl_certificate: [
    'networking/curl_certificate.cpp',
    `common_name organization organization_unit issuer_common_name issuer_organization
     issuer_organization_unit pem`,
  ],
  disk_encryption: ['linux/disk_encryption.cpp', 'type'],
  dns_resolvers: ['posix/dns_resolvers.cpp', 'netmask'],
  docker_containers: ['posix/docker.cpp', NAMESPACES],
  docker_networks: ['posix/docker.cpp', 'subnet gateway'],
  file: ['utility/file.cpp', 'symlink_target_path'],
  interface_addresses: ['posix/interfaces.cpp', 'broadcast point_to_point'],
  iptables: ['linux/iptables.cpp', RULE],
  kernel_info: ['linux/kernel_info.cpp', 'path device'],
  listening_ports: ['networking/listening_ports.cpp', 'address path'],
  memory_devices: ['linux/memory_devices.cpp', 'form_factor memory_type'],
  npm_packages: ['linux/npm_packages.cpp', 'name version description author license homepage'],
  os_version: ['linux/os_version.cpp', 'version build platform_like codename'],
  pci_devices: [
    'linux/pci_devices.cpp',
    `pci_class_id pci_subclass_id subsystem_vendor_id subsystem_vendor subsystem_model_id
     subsystem_model`,
  ],
  process_namespaces: ['linux/processes.cpp', NAMESPACES],
  process_open_pipes: ['linux/process_open_pipes.cpp', 'partner_mode'],
  python_packages: ['posix/python_packages.cpp', 'name version summary author license'],
  routes: ['linux/routes.cpp', 'gateway source interface'],
  shadow: ['linux/shadow.cpp', 'hash_alg'],
  startup_items: ['linux/startup_items.cpp', 'name path args username'],
  system_controls: ['linux/sysctl_utils.cpp', 'oid current_value config_value'],
  system_info: [
    'linux/system_info.cpp',
    `cpu_brand cpu_microcode hardware_vendor hardware_version hardware_serial board_vendor
     board_model board_version board_serial`,
  ],
  users: ['linux/users.cpp', 'uuid'],
  yum_sources: [
    'posix/yum_sources.cpp',
    'name baseurl mirrorlist metalink enabled gpgcheck gpgkey',
  ],
};

/** What osquery has and this host does not look for: NULL says so. */
const NOT_LOOKED_FOR: Readonly<Record<string, string>> = {
  apparmor_profiles: 'sha1 sha256',
  // On a host without openssl.
  curl_certificate: `subject_key_identifier authority_key_identifier key_usage extended_key_usage policies
    subject_alternative_names issuer_alternative_names info_access subject_info_access policy_mappings
    basic_constraint name_constraints policy_constraints`,
  cpu_info: 'socket_designation',
  platform_info: 'address size',
};

/** Columns that are set with nothing in them, as a setting that holds an empty text. */
const EMPTY_AS_SUCH = new Set([
  'apt_sources.version',
  'docker_networks.gateway',
  'iptables.src_port',
  'iptables.dst_port',
  'iptables.iniface_mask',
  'iptables.outiface_mask',
  'iptables.target',
  'npm_packages.description',
  'npm_packages.author',
  'npm_packages.license',
  'npm_packages.homepage',
  'python_packages.summary',
  'python_packages.author',
  'python_packages.license',
  'startup_items.username',
  'startup_items.path',
  'startup_items.name',
  'system_controls.current_value',
  'system_controls.config_value',
]);

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
const expected = (table: HostTable): string[] => [
  ...words(SET_AT_TIMES[table.name]?.[1] ?? ''),
  ...words(NOT_LOOKED_FOR[table.name] ?? ''),
];
const osquerys = allTables.filter(({ beyondOsquery }) => beyondOsquery !== true);
/** What another system fills, and what has one value here, is the declaration's own business. */
const served = (column: Column): boolean =>
  column.type === 'TEXT' && column.always === undefined && !/ only; NULL here\)/.test(column.doc);

it('only columns that there are are named', () => {
  const names = [...Object.entries(SET_AT_TIMES), ...Object.entries(NOT_LOOKED_FOR)];
  for (const [name] of names) expect(osquerys.map((table) => table.name)).toContain(name);
});

it.each(osquerys.map((table) => [table.name, table] as const))(
  "%s: a row without a text has '' or NULL as osquery's",
  (_, table) => {
    const values = rowValues(table, {});
    const isNull = table.columns
      .filter((column, at) => served(column) && values[at] === null)
      .map(({ name }) => name);
    expect(isNull.sort()).toEqual(expected(table).sort());
    for (const [at, column] of table.columns.entries())
      if (column.type !== 'TEXT') expect(values[at], column.name).toBe(column.always ?? null);
  },
);

const scannable = osquerys.filter(({ columns }) => !columns.some(({ required }) => required));

it.each(scannable.map((table) => [table.name, table] as const))(
  '%s: a text that this host has not is not empty where osquery has NULL',
  async (_, table) => {
    const rows = await rowsIfAny(table);
    for (const name of expected(table).filter((it) => !EMPTY_AS_SUCH.has(`${table.name}.${it}`)))
      expect(rows.filter((row) => row[name] === '').length, `${table.name}.${name}`).toBe(0);
  },
);

it('what other systems fill and what osquery has not is NULL', () => {
  for (const table of allTables) {
    const values = rowValues(table, {});
    for (const [at, column] of table.columns.entries())
      if (table.beyondOsquery || (column.type === 'TEXT' && !served(column)))
        expect(values[at], `${table.name}.${column.name}`).toBe(column.always ?? null);
  }
});

async function rowsIfAny(table: HostTable): Promise<Row[]> {
  try {
    return await rowsOf(table);
  } catch (error) {
    if (error instanceof TableError) return [];
    throw error;
  }
}
