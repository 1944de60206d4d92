/** Swarm facts as plain rows, for the tables swarm_members, swarm_links, swarm_alarms, swarm_seals, swarm_tracks and osquery_info. */
import type { MemberView, ProbeResult, SealView } from '../../swarm/index.ts';
import type { HostFacts, Row } from '../../tables/types.ts';
import { toHex } from '../../wire/index.ts';
import type { HistoryStatus } from '../history/history.ts';
import type { OpenAlarm } from '../state/alarms.ts';

export interface LinkView {
  readonly nodeId: string;
  readonly name?: string;
  readonly address: string;
  readonly initiator: boolean;
  /** Unix milliseconds. */
  readonly sinceMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface FactSource {
  members(): readonly MemberView[];
  probes(): readonly ProbeResult[];
  links(): readonly LinkView[];
  alarms(): readonly OpenAlarm[];
  seals(): readonly SealView[];
  tracks(): HistoryStatus['tables'];
  fileEvents(): HostFacts['fileEvents'];
  readonly allowed: NonNullable<HostFacts['allowed']>;
  /** For osquery_info and the like. */
  readonly agent: Row;
}

/** Only what the tables need that the SQL names: thousands of rows would be sent for nothing. */
export function hostFacts(sql: string, source: FactSource): HostFacts {
  const named = new Set(sql.toLowerCase().match(/swarm_[a-z]+|config_lines|curl|file_events/g));
  return {
    agent: source.agent,
    ...((named.has('config_lines') || named.has('curl')) && { allowed: source.allowed }),
    ...(named.has('file_events') && optional('fileEvents', source.fileEvents())),
    ...(named.has('swarm_members') && { members: memberRows(source) }),
    ...(named.has('swarm_links') && { links: source.links().map(linkRow) }),
    ...(named.has('swarm_alarms') && { alarms: source.alarms().map(alarmRow) }),
    ...(named.has('swarm_seals') && { seals: source.seals().map(sealRow) }),
    ...(named.has('swarm_tracks') && { tracks: source.tracks().map(trackRow) }),
  };
}

function optional<K extends keyof HostFacts>(key: K, value: HostFacts[K]): Partial<HostFacts> {
  return value === undefined ? {} : { [key]: value };
}

function memberRows(source: FactSource): Row[] {
  const probeOf = new Map(source.probes().map((probe) => [probe.nodeId, probe]));
  return source.members().map((member) => memberRow(member, probeOf.get(member.nodeId)));
}

function memberRow(member: MemberView, probe: ProbeResult | undefined): Row {
  return {
    node_id: member.nodeId,
    name: member.name,
    address: member.addresses.join(','),
    state: member.state,
    incarnation: member.incarnation,
    since: Math.floor(member.since / 1000),
    version: member.version,
    hub: member.hub ? 1 : 0,
    self: member.self ? 1 : 0,
    linked: member.linked ? 1 : 0,
    labels: JSON.stringify(member.labels),
    token: member.tag,
    key_version: member.entry.version,
    sign_key: toHex(member.entry.signKey),
    ...(probe && probeColumns(probe)),
  };
}

function probeColumns({ verdict, at, asked, same, others, proof }: ProbeResult): Row {
  return {
    probe: verdict,
    probed_at: Math.floor(at / 1000),
    probe_asked: asked.length,
    probe_same: same.length,
    probe_others: others.join(','),
    ...(proof && { probe_proof: Buffer.from(proof).toString('base64') }),
  };
}

function linkRow(link: LinkView): Row {
  return {
    node_id: link.nodeId,
    name: link.name,
    address: link.address,
    direction: link.initiator ? 'outbound' : 'inbound',
    since: Math.floor(link.sinceMs / 1000),
    bytes_in: link.bytesIn,
    bytes_out: link.bytesOut,
  };
}

function alarmRow(alarm: OpenAlarm): Row {
  return {
    kind: alarm.kind,
    key: alarm.key,
    message: alarm.message,
    first_at: Math.floor(alarm.firstAt / 1000),
    last_at: Math.floor(alarm.at / 1000),
    count: alarm.count,
  };
}

function sealRow(seal: SealView): Row {
  return {
    chain: seal.chain.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    number: seal.number,
    hash: seal.hash,
    time: Math.floor(seal.at / 1000),
    hub: seal.hub,
    key_version: seal.keyVersion,
    head: seal.head,
  };
}

function trackRow(track: HistoryStatus['tables'][number]): Row {
  const { table, every, line, sequence, at, fetched } = track;
  return {
    name: table,
    every,
    line,
    sequence,
    fetched,
    time: at === null ? null : Math.floor(at / 1000),
  };
}
