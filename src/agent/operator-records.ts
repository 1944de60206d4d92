/** What the control socket takes of the operator: certificates, revocation lists, EPOCH records. */
import {
  parseCertificate,
  parseOperatorRecord,
  SecureError,
  type OperatorRecord,
  type PinnedOperator,
  type RoleCertificate,
} from '../secure/index.ts';
import type { Packable } from '../wire/index.ts';
import type { Agent } from './agent.ts';
import { AgentError } from './errors.ts';
import { CERTIFICATE_KIND } from './run-request.ts';

/** The newest records as signed, and what a new one of the operator must fit. */
export function records(agent: Agent): Packable {
  const { swarmId, epoch } = agent.node.secrets;
  return {
    ...{ swarmId, epoch, self: agent.nodeId },
    revocations: agent.node.record('revocations')?.bytes ?? null,
    members: agent
      .members()
      .filter((member) => member.state !== 'left')
      .map(({ nodeId, name, entry }) => ({ nodeId, name, entry: entry.bytes })),
  };
}

/**
 * Takes in what the operator signed: a certificate goes to the host it is for, anything else
 * spreads.
 * @throws AgentError `invalid_request`; SecureError `bad_certificate`
 */
export async function install(agent: Agent, bytes: unknown): Promise<Packable> {
  if (!(bytes instanceof Uint8Array)) {
    throw new AgentError('invalid_request', 'the bytes of the record are missing');
  }
  const pinned = pinnedBy(agent);
  const certificate = ifValid(() => parseCertificate(bytes, pinned));
  if (certificate !== undefined) return installCertificate(agent, certificate);
  const record = ifValid(() => parseOperatorRecord(bytes, pinned));
  if (record === undefined) {
    throw new AgentError(
      'invalid_request',
      "this is no record that this swarm's operator signed",
      'the operator key that signed it must be the one `swarmplane init` made for this swarm',
    );
  }
  return publish(agent, record);
}

async function installCertificate(agent: Agent, certificate: RoleCertificate): Promise<Packable> {
  const { nodeId, serial } = certificate;
  const member = agent.members().find((one) => one.nodeId === nodeId);
  const told = { kind: 'certificate', serial, nodeId, name: member?.name ?? nodeId.slice(0, 12) };
  if (nodeId === agent.nodeId) await agent.certificates.install(certificate.bytes);
  else await handOver(agent, certificate, told.name);
  return told;
}

async function handOver(agent: Agent, { nodeId, bytes }: RoleCertificate, name: string) {
  const targets = { kind: 'nodes', nodes: [nodeId] } as const;
  const spec = { kind: CERTIFICATE_KIND, body: bytes, targets, timeoutMs: HAND_OVER_MS };
  for await (const event of agent.node.request(spec)) {
    if (event.kind !== 'account') continue;
    const outcome = event.account.hosts[0];
    if (outcome?.state === 'ok') return;
    const why = outcome?.message ?? outcome?.state ?? 'no answer';
    throw new AgentError(
      'unreachable',
      `the certificate did not reach ${JSON.stringify(name)}: ${why}`,
      'write it to a file with --out FILE and run `swarmplane operator install FILE` on that host',
    );
  }
}

function publish(agent: Agent, record: OperatorRecord): Packable {
  if (!agent.node.publish(record.bytes)) {
    const known = agent.node.record(record.kind)?.number;
    const newest = known === undefined ? 'what' : `number ${known}, which`;
    throw new AgentError(
      'invalid_request',
      `number ${record.number} is not newer than ${newest} this swarm has`,
      'make it anew: the number counts on from what the agent knows',
    );
  }
  return { kind: record.kind, number: record.number, nodeId: record.head?.nodeId ?? null };
}

function pinnedBy(agent: Agent): PinnedOperator {
  const { operatorKey, swarmId } = agent.node.secrets;
  if (operatorKey !== undefined) return { operatorKey, swarmId };
  throw new AgentError('not_initialised', 'this host does not know the operator key yet');
}

function ifValid<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof SecureError) return undefined;
    throw error;
  }
}

const HAND_OVER_MS = 10_000;
