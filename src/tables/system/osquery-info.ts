import { integer, load, text } from '../lib/columns.ts';
import type { Row, SnapshotTable } from '../types.ts';
import { machineUuid, dmi } from './system-info.ts';

export const osqueryInfo: SnapshotTable = {
  kind: 'snapshot',
  name: 'osquery_info',
  description: 'The agent that answers, one row: swarmplane in osquery’s place.',
  cost: 'cheap',
  key: [],
  columns: [
    load(integer('pid', 'Process id of the agent.')),
    text('uuid', 'UUID of the machine, as in system_info.', { collate: 'nocase' }),
    text('instance_id', 'Node id in the swarm.'),
    text('version', 'Version of swarmplane.', { collate: 'version' }),
    text('config_hash', 'Digest of the configuration; empty here.', { collate: 'nocase' }),
    integer('config_valid', 'Always 1: the agent does not start with an invalid one.'),
    text('extensions', 'State of extensions: there are none.'),
    text('build_platform', 'Platform: linux.'),
    text('build_distro', 'Distribution built for: any.'),
    load(integer('start_time', 'Unix time the agent started.')),
    integer('watcher', 'Process that watches the agent: there is none, -1.'),
    integer('platform_mask', 'osquery’s number for Linux, 9.'),
  ],
  collect(context): Row[] {
    const { agent } = context.facts;
    return [
      {
        pid: agent.pid ?? null,
        uuid: dmi(context, 'product_uuid') ?? machineUuid(context),
        instance_id: agent.node_id ?? null,
        version: agent.version ?? null,
        config_valid: 1,
        extensions: 'inactive',
        build_platform: 'linux',
        build_distro: 'any',
        start_time: agent.start_time ?? null,
        watcher: -1,
        platform_mask: LINUX,
      },
    ];
  },
};

/** PLATFORM_POSIX | PLATFORM_LINUX in osquery. */
const LINUX = 0x09;
