/**
 * When an alarm's cause has gone: looked at with each sweep, of those that are open here, the last
 * run's among them. What is not here ends where it is seen (a write that went through, a consistent
 * probe, the operator's word), by quiet at the agent, or never; docs/operating.md has the table.
 */
import { isOut } from '../members/member.ts';
import type { Member } from '../members/member.ts';
import { exposedHosts } from '../trust/exposed.ts';
import { hubProblem } from '../trust/own-hub.ts';
import { MEMBERS_MAX } from '../members/members.ts';
import type { Wiring } from './wiring.ts';
import type { AlarmKind } from '../alarm-kinds.ts';

export function endAlarms(wiring: Wiring): void {
  const open = wiring.context.openAlarms();
  if (open.length === 0) return;
  const scene = lookAround(wiring);
  for (const { kind, key } of open)
    if (HOLDS[kind]?.(scene, key) === false) wiring.context.alarmOver(kind, key);
}

/** After the start: what was kept from the last run could be read this time. */
export function endStateAlarms({ context }: Wiring): void {
  for (const { kind, key, kept } of context.openAlarms())
    if (kind === 'state' && kept) context.alarmOver(kind, key);
}

/** What all of them are judged by. */
interface Scene {
  readonly wiring: Wiring;
  /** Gathered once, for the first that asks: a peer can bring about a thousand. */
  present(): readonly Member[];
}

function lookAround(wiring: Wiring): Scene {
  let present: readonly Member[] | undefined;
  const gather = () => [...wiring.members.all()].filter((member) => !isOut(member));
  return { wiring, present: () => (present ??= gather()) };
}

/** Whether the cause is still there, by the alarm's key. */
const HOLDS: Partial<Record<AlarmKind, (scene: Scene, key: string) => boolean>> = {
  name_reused: ({ wiring }, name) => wiring.members.names.claimers(name).length > 1,
  name_like: ({ wiring }, name) =>
    wiring.members.names.claimers(name).length > 0 && wiring.members.names.alike(name).length > 0,
  // A record of that node was taken up, so that its name is one now; or it is out.
  name_refused: (scene, node) => !scene.wiring.records.isExpelled(node) && !isPresent(scene, node),
  address_reused: isShared,
  members: ({ wiring }) => wiring.members.size >= MEMBERS_MAX,
  // This host's own clones are no members: that alarm ends by quiet.
  clone: (scene, node) => scene.wiring.isSelf(node) || isPresent(scene, node),
  old_key: isPresent,
  probe_conflict: isPresent,
  seals_full: isPresent,
  false_accuser: ({ wiring }, node) => wiring.members.isDisbelieved(node),
  share_full: ({ wiring }, key) => wiring.full.isFull(key),
  expelled: ({ wiring }, node) => wiring.records.isExpelled(node),
  fork: ({ wiring }, node) => !wiring.records.isExpelled(node),
  epoch_of_revoked_key: ({ wiring }) => wiring.epochs.isVoid,
  hub_certificate: ({ wiring }) => hubProblem(wiring) !== undefined,
  expelled_without_rotation: ({ wiring }, prefix) => exposedHosts(wiring).includes(prefix),
  token_overused: ({ wiring }, tag) => isOverused(wiring, tag),
};

/** The key is all addresses of one member, `, ` between them. */
function isShared({ present }: Scene, key: string): boolean {
  const addresses = key.split(', ');
  const using = present().filter(({ record }) =>
    addresses.every((address) => record.body.addresses.includes(address)),
  );
  return using.length > 1 && using.some((one) => one.record.body.addresses.join(', ') === key);
}

/** Until its epoch ends: what came by it stays a member until then. */
function isOverused({ tokens, seats, epochs }: Wiring, tag: string): boolean {
  const token = tokens.get(tag);
  return token?.epochId === epochs.enteredId && seats.isOverused(token);
}

function isPresent({ wiring }: Scene, node: string): boolean {
  const member = wiring.members.get(node);
  return member !== undefined && !isOut(member);
}
