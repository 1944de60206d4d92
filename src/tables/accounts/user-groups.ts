/** user_groups: who is in which group. */
import { bigint } from '../lib/columns.ts';
import { eqIntegers } from '../lib/constraints.ts';
import { perQuery } from '../lib/per-query.ts';
import type { CollectContext, LookupTable, Row } from '../types.ts';
import { fromNameServices } from './name-services.ts';
import {
  parseAccount,
  parseGroup,
  readAccounts,
  readGroups,
  type Account,
  type Group,
} from './passwd.ts';

export const userGroups: LookupTable = {
  name: 'user_groups',
  description:
    'Memberships of local users in local groups, their primary group included. Those of users and groups of ' +
    'a directory service where the query gives uid or gid by equality or a join, through getent(1).',
  kind: 'lookup',
  cost: 'cheap',
  key: ['uid', 'gid'],
  columns: [
    bigint('uid', 'User id.', { index: true }),
    bigint('gid', 'Id of a group the user is in.', { index: true }),
  ],
  *lookup(context): Generator<Row> {
    const uids = eqIntegers(context, 'uid');
    const gids = eqIntegers(context, 'gid');
    // Two accounts may share a user id.
    const seen = new Set<string>();
    for (const { uid, gid } of memberships(context, uids, gids)) {
      const key = `${uid}:${gid}`;
      if (uids?.includes(uid) === false || gids?.includes(gid) === false || seen.has(key)) continue;
      seen.add(key);
      yield { uid, gid };
    }
  },
};

interface Membership {
  readonly uid: number;
  readonly gid: number;
}

function* memberships(
  context: CollectContext,
  uids: readonly number[] | undefined,
  gids: readonly number[] | undefined,
): Generator<Membership> {
  const local = localNames(context);
  for (const account of local.accounts) {
    if (uids?.includes(account.uid) === false) continue;
    yield* ofAccount(local, account);
    // A local user may be in groups of the directory: it is asked for few, not for all.
    if (uids !== undefined) yield* ofServices(context, account);
  }
  const missing = uids?.filter((id) => !local.accounts.some(({ uid }) => uid === id)) ?? [];
  for (const account of remote(context, missing)) {
    yield* ofAccount(local, account);
    yield* ofServices(context, account);
  }
  if (uids === undefined && gids !== undefined) yield* ofGroups(context, gids);
}

function* ofAccount({ byMember }: LocalNames, { name, uid, gid }: Account): Generator<Membership> {
  yield { uid, gid };
  for (const group of byMember.get(name) ?? []) yield { uid, gid: group };
}

/** `getent initgroups NAME`: the name and the ids of its groups. */
function* ofServices(context: CollectContext, { name, uid }: Account): Generator<Membership> {
  for (const line of fromNameServices(context, 'initgroups', [name])) {
    const ids = line.slice(name.length).match(/\d+/g) ?? [];
    for (const id of ids) yield { uid, gid: Number(id) };
  }
}

/** Who is named as a member; whose primary group it is, a directory does not tell by the group. */
function* ofGroups(context: CollectContext, gids: readonly number[]): Generator<Membership> {
  const { accounts, groups } = localNames(context);
  const asked = fromNameServices(context, 'group', gids.map(String)).flatMap(parseGroup);
  const own = groups.filter(({ gid }) => gids.includes(gid));
  for (const { gid, members } of [...asked, ...own]) {
    for (const member of members) {
      const known = accounts.find(({ name }) => name === member);
      const found = known === undefined ? remote(context, [member]) : [known];
      for (const { uid } of found) yield { uid, gid };
    }
  }
}

function remote(context: CollectContext, keys: readonly (string | number)[]): Account[] {
  return fromNameServices(context, 'passwd', keys.map(String)).flatMap(parseAccount);
}

interface LocalNames {
  readonly accounts: readonly Account[];
  readonly groups: readonly Group[];
  /** Ids of groups by the name of a member. */
  readonly byMember: ReadonlyMap<string, readonly number[]>;
}

const localNames = perQuery((context: CollectContext): LocalNames => {
  const byMember = new Map<string, number[]>();
  const groups = readGroups(context);
  for (const { gid, members } of groups)
    for (const member of members) byMember.set(member, [...(byMember.get(member) ?? []), gid]);
  return { accounts: readAccounts(context), groups, byMember };
});
