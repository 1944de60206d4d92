/** Names of hosts: labels that people give, never to be taken for an id. */

/** As hostnames in lower case, so that a name can be typed, quoted and put into lists. */
export function isHostName(name: string): boolean {
  return NAME.test(name) && !looksLikeId(name);
}

/** What is written where a node id, the beginning of one, or a token's tag could be meant. */
export function looksLikeId(name: string): boolean {
  return /^(?:[0-9a-f]{8,}|t-[0-9a-f]{16})$/i.test(name);
}

/** A name that a host may carry, made of what its system calls it. */
export function hostNameFrom(hostname: string): string {
  const name = hostname.toLowerCase();
  return looksLikeId(name) ? `h-${name}` : name;
}

/** Equal for names that people easily take for each other when one is typed. */
export function looksOf(name: string): string {
  return lettersOf(name.toLowerCase().replace(/[._-]/g, ''));
}

/** The same for names that lie in one swarm: `rack1-12` and `rack11-2` are two places. */
export function looksAlike(name: string): string {
  return lettersOf(name.replace(/[._-]+/g, '-'));
}

function lettersOf(name: string): string {
  const letters = name.replace(/0/g, 'o').replace(/[1i]/g, 'l').replace(/5/g, 's');
  return letters.replaceAll('rn', 'm').replaceAll('vv', 'w');
}

/** How another claimer of a name that is held already is called. */
export function nameBeside(name: string, nodeId: string): string {
  return `${name}~${nodeId.slice(0, BESIDE_DIGITS)}`;
}

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?$/;
const BESIDE_DIGITS = 8;
