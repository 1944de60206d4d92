/** The tables of accounts, packages, units, files and what people configure. */
import { groups } from './accounts/groups.ts';
import { userGroups } from './accounts/user-groups.ts';
import { users } from './accounts/users.ts';
import { file } from './files/file.ts';
import { hash } from './files/hash.ts';
import { debPackages } from './packages/deb-packages.ts';
import type { HostTable } from './types.ts';
import { systemdUnits } from './units/systemd-units.ts';

export const packagesTables: readonly HostTable[] = [
  debPackages,
  file,
  groups,
  hash,
  systemdUnits,
  userGroups,
  users,
];
