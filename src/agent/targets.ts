/** Host names as people type them, turned into node ids. */
import type { NodeId } from '../secure/index.ts';
import type { MemberView } from '../swarm/index.ts';
import { AgentError } from './errors.ts';

/**
 * Each name is a host's name, or at least 8 digits of a node id.
 * @throws AgentError `unknown_host` or `ambiguous_host`, quoting the name
 */
export function resolveHosts(names: readonly string[], members: readonly MemberView[]): NodeId[] {
  return [...new Set(names.map((name) => resolveHost(name, members).nodeId))];
}

/** @throws AgentError `unknown_host` or `ambiguous_host` */
export function resolveHost(name: string, members: readonly MemberView[]): MemberView {
  const present = members.filter((member) => member.state !== 'left');
  const named = present.filter((member) => member.name === name);
  const found =
    named.length > 0 || !/^[0-9a-f]{8,64}$/.test(name)
      ? named
      : present.filter((member) => member.nodeId.startsWith(name));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw new AgentError(
      'unknown_host',
      `no host is called ${JSON.stringify(name)}`,
      'see `swarmplane nodes` for the names',
    );
  }
  throw new AgentError(
    'ambiguous_host',
    `${found.length} hosts are called ${JSON.stringify(name)}`,
    `name one by its node id: ${found.map((member) => member.nodeId.slice(0, 12)).join(', ')}`,
  );
}
