/** The tables of accounts, packages, units, files, containers and what people configure. */
import { groups } from './accounts/groups.ts';
import { shadow } from './accounts/shadow.ts';
import { shellHistory } from './accounts/shell-history.ts';
import { sudoers } from './accounts/sudoers.ts';
import { userGroups } from './accounts/user-groups.ts';
import { users } from './accounts/users.ts';
import { etcProtocols } from './config/etc-protocols.ts';
import { etcServices } from './config/etc-services.ts';
import { file } from './files/file.ts';
import { hash } from './files/hash.ts';
import { suidBin } from './files/suid-bin.ts';
import { aptSources } from './packages/apt-sources.ts';
import { debPackages } from './packages/deb-packages.ts';
import { npmPackages } from './packages/npm-packages.ts';
import { portagePackages } from './packages/portage-packages.ts';
import { pythonPackages } from './packages/python-packages.ts';
import { rpmPackages } from './packages/rpm-packages.ts';
import { updates } from './packages/updates.ts';
import { yumSources } from './packages/yum-sources.ts';
import { authorizedKeys } from './ssh/authorized-keys.ts';
import { knownHosts } from './ssh/known-hosts.ts';
import { sshConfigs } from './ssh/ssh-configs.ts';
import { userSshKeys } from './ssh/user-ssh-keys.ts';
import type { HostTable } from './types.ts';
import { crontab } from './units/crontab.ts';
import { systemdUnits } from './units/systemd-units.ts';

export const packagesTables: readonly HostTable[] = [
  aptSources,
  authorizedKeys,
  crontab,
  debPackages,
  etcProtocols,
  etcServices,
  file,
  groups,
  hash,
  knownHosts,
  npmPackages,
  portagePackages,
  pythonPackages,
  rpmPackages,
  shadow,
  shellHistory,
  sshConfigs,
  sudoers,
  suidBin,
  systemdUnits,
  updates,
  userGroups,
  userSshKeys,
  users,
  yumSources,
];
