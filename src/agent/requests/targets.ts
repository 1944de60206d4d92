/** Host names as people type them, turned into node ids. */
import type { NodeId } from '../../secure/index.ts';
import type { MemberView } from '../../swarm/index.ts';
import { AgentError } from '../errors.ts';

/**
 * Each name is that of a host that can be asked, or at least 8 digits of its node id.
 * @throws AgentError `unknown_host`, `ambiguous_host` or `host_gone`, quoting the name
 */
export function resolveHosts(names: readonly string[], members: readonly MemberView[]): NodeId[] {
  return [...new Set(names.map((name) => resolveHost(name, members).nodeId))];
}

/** @throws AgentError as `resolveHosts` */
export function resolveHost(name: string, members: readonly MemberView[]): MemberView {
  const member = resolveAny(name, members);
  const gone = GONE[member.state];
  if (gone === undefined) return member;
  throw new AgentError('host_gone', `${JSON.stringify(name)} ${gone[0]}`, gone[1]);
}

/**
 * Also one that has left, was forgotten or expelled, where no host that can be asked goes by the name.
 * @throws AgentError `unknown_host` or `ambiguous_host`
 */
export function resolveAny(name: string, members: readonly MemberView[]): MemberView {
  const there = matching(
    name,
    members.filter(({ state }) => GONE[state] === undefined),
  );
  const found = there.length > 0 ? there : matching(name, members);
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw new AgentError(
      'unknown_host',
      `no host is called ${JSON.stringify(name)}`,
      'see `swarmplane nodes` for the names',
    );
  }
  const each = found.map(({ nodeId, state }) => `${nodeId} (${state})`);
  throw new AgentError(
    'ambiguous_host',
    `${found.length} hosts are called ${JSON.stringify(name)}`,
    `name one by its node id: ${each.join(', ')}`,
  );
}

/** A whole id is only ever that; the beginning of one counts where nothing has it as its name. */
function matching(name: string, members: readonly MemberView[]): readonly MemberView[] {
  if (/^[0-9a-f]{64}$/.test(name)) return members.filter((member) => member.nodeId === name);
  const named = members.filter((member) => member.name === name);
  if (named.length > 0 || !/^[0-9a-f]{8,63}$/.test(name)) return named;
  return members.filter((member) => member.nodeId.startsWith(name));
}

/** What is said of those that cannot be asked, and the next step. */
const GONE: Partial<Record<MemberView['state'], readonly [string, string]>> = {
  left: ['has left the swarm', 'it takes part again after `swarmplane up --rejoin` on it'],
  forgotten: ['was forgotten', 'it takes part again when it is started'],
  expelled: ['was expelled', 'with a new state folder and a new join token it is a new host'],
};
