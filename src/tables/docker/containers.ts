/** docker_containers: containers, with what inspecting each tells. */
import { bigint, integer, load, text } from '../lib/columns.ts';
import { wants } from '../lib/constraints.ts';
import { readLink } from '../lib/files.ts';
import type { CollectContext, Row, SnapshotTable } from '../types.ts';
import { bareId, inspect, listContainers } from './api.ts';
import { flagAt, integerAt, textAt, textsAt, type Json, type JsonObject } from '../lib/json.ts';

const NAMESPACES = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'] as const;

export const dockerContainers: SnapshotTable = {
  name: 'docker_containers',
  description: 'Containers of Docker, those that do not run too.',
  kind: 'snapshot',
  cost: 'moderate',
  key: ['id'],
  columns: [
    text('id', 'Id of the container.', { index: true, collate: 'nocase' }),
    text('name', 'Name of the container, with a slash in front.', { index: true }),
    text('image', 'Name of the image it was made from.'),
    text('image_id', 'Id of that image, as docker_images has it.', { collate: 'nocase' }),
    text('command', 'Command it runs.'),
    bigint('created', 'When it was made, seconds since 1970.'),
    text('state', 'created, running, paused, restarting, exited or dead.'),
    load(text('status', 'State in words, with its age.')),
    load(bigint('pid', 'Id of its first process on the host, 0 if it does not run.')),
    text('path', 'Program it runs.'),
    text('config_entrypoint', 'Entry point, its words parted by commas.'),
    text('started_at', 'When it last started.'),
    text('finished_at', 'When it last ended.'),
    integer('privileged', '1 if it is privileged, else 0.'),
    text('security_options', 'Security options, parted by commas.'),
    text('env_variables', 'Always NULL: see docker_container_envs, which is kept as sensitive.', {
      always: null,
      instead: 'table docker_container_envs has them',
    }),
    integer('readonly_rootfs', '1 if its root file system is read-only, else 0.'),
    ...NAMESPACES.map((name) =>
      load(
        text(
          `${name}_namespace`,
          `Its ${name} namespace; NULL if it does not run or is not seen.`,
          {
            unset: true,
          },
        ),
      ),
    ),
  ],
  async collect(context) {
    const containers = await listContainers(context);
    const details = INSPECTED.some((column) => wants(context, column));
    return Promise.all(
      containers.map(async (container) => {
        const id = textAt(container, 'Id');
        if (!details || id === null) return listedRow(container);
        const inspected = await inspect(context, 'containers', id);
        return { ...listedRow(container), ...inspectedRow(context, inspected) };
      }),
    );
  },
};

function listedRow(container: JsonObject): Row {
  return {
    id: textAt(container, 'Id'),
    name: textsAt(container, 'Names')[0] ?? null,
    image: textAt(container, 'Image'),
    image_id: bareId(textAt(container, 'ImageID')),
    command: textAt(container, 'Command'),
    created: integerAt(container, 'Created'),
    state: textAt(container, 'State'),
    status: textAt(container, 'Status'),
  };
}

function inspectedRow(context: CollectContext, container: Json | undefined): Row {
  const pid = integerAt(container, 'State', 'Pid');
  return {
    pid,
    path: textAt(container, 'Path'),
    config_entrypoint: textsAt(container, 'Config', 'Entrypoint').join(', '),
    started_at: textAt(container, 'State', 'StartedAt'),
    finished_at: textAt(container, 'State', 'FinishedAt'),
    privileged: flagAt(container, 'HostConfig', 'Privileged'),
    security_options: textsAt(container, 'HostConfig', 'SecurityOpt').join(', '),
    readonly_rootfs: flagAt(container, 'HostConfig', 'ReadonlyRootfs'),
    ...(pid === null || pid <= 0 ? {} : namespaces(context, pid)),
  };
}

/** The links in /proc/PID/ns read `net:[4026531992]`; osquery shows the number. */
function namespaces(context: CollectContext, pid: number): Row {
  return Object.fromEntries(
    NAMESPACES.map((name) => {
      const link = readLink(context, `/proc/${pid}/ns/${name}`);
      return [`${name}_namespace`, /\[(\d+)\]$/.exec(link ?? '')?.[1] ?? null];
    }),
  );
}

const INSPECTED = [
  'pid',
  'path',
  'config_entrypoint',
  'started_at',
  'finished_at',
  'privileged',
  'security_options',
  'readonly_rootfs',
  ...NAMESPACES.map((name) => `${name}_namespace`),
];
