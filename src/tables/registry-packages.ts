/** The tables of accounts, packages, units, files, containers and what people configure. */
import { groups } from './accounts/groups.ts';
import { shadow } from './accounts/shadow.ts';
import { shellHistory } from './accounts/shell-history.ts';
import { sudoers } from './accounts/sudoers.ts';
import { userGroups } from './accounts/user-groups.ts';
import { users } from './accounts/users.ts';
import { chromeExtensionContentScripts } from './browsers/chrome-content-scripts.ts';
import { chromeExtensions } from './browsers/chrome-extensions.ts';
import { firefoxAddons } from './browsers/firefox-addons.ts';
import { vscodeExtensions } from './browsers/vscode-extensions.ts';
import { apparmorProfiles } from './config/apparmor-profiles.ts';
import { certificates } from './config/certificates.ts';
import { configLines } from './config/config-lines.ts';
import { etcProtocols } from './config/etc-protocols.ts';
import { etcServices } from './config/etc-services.ts';
import { dockerContainerFsChanges } from './docker/container-changes.ts';
import {
  dockerContainerLabels,
  dockerContainerMounts,
  dockerContainerNetworks,
  dockerContainerPorts,
  dockerContainerEnvs,
} from './docker/container-parts.ts';
import { dockerContainerProcesses } from './docker/container-processes.ts';
import { dockerContainerStats } from './docker/container-stats.ts';
import { dockerContainers } from './docker/containers.ts';
import {
  dockerImages,
  dockerImageLabels,
  dockerImageLayers,
  dockerImageHistory,
} from './docker/images.ts';
import { dockerInfo, dockerVersion } from './docker/info.ts';
import { dockerNetworks, dockerNetworkLabels } from './docker/networks.ts';
import { dockerVolumes, dockerVolumeLabels } from './docker/volumes.ts';
import { extendedAttributes } from './files/extended-attributes.ts';
import { file } from './files/file.ts';
import { hash } from './files/hash.ts';
import { magic } from './files/magic.ts';
import { suidBin } from './files/suid-bin.ts';
import { lxdInstances, lxdInstanceConfig, lxdInstanceDevices } from './lxd/instances.ts';
import {
  lxdImages,
  lxdNetworks,
  lxdStoragePools,
  lxdCertificates,
  lxdCluster,
  lxdClusterMembers,
} from './lxd/server.ts';
import { aptSources } from './packages/apt-sources.ts';
import { debPackageFiles } from './packages/deb-package-files.ts';
import { debPackages } from './packages/deb-packages.ts';
import { flatpakUpdates } from './packages/flatpak-updates.ts';
import { npmPackages } from './packages/npm-packages.ts';
import { portagePackages } from './packages/portage-packages.ts';
import { pythonPackages } from './packages/python-packages.ts';
import { rebootRequired } from './packages/reboot-required.ts';
import { rpmPackageFiles } from './packages/rpm-package-files.ts';
import { rpmPackages } from './packages/rpm-packages.ts';
import { rpmUpdates } from './packages/rpm-updates.ts';
import { snapUpdates } from './packages/snap-updates.ts';
import { updates } from './packages/updates.ts';
import { yumSources } from './packages/yum-sources.ts';
import { authorizedKeys } from './ssh/authorized-keys.ts';
import { knownHosts } from './ssh/known-hosts.ts';
import { sshConfigs } from './ssh/ssh-configs.ts';
import { sshdConfig } from './ssh/sshd-config.ts';
import { userSshKeys } from './ssh/user-ssh-keys.ts';
import type { HostTable } from './types.ts';
import { crontab } from './units/crontab.ts';
import { services } from './units/services.ts';
import { startupItems } from './units/startup-items.ts';
import { systemdTimers } from './units/systemd-timers.ts';
import { systemdUnits } from './units/systemd-units.ts';

export const packagesTables: readonly HostTable[] = [
  apparmorProfiles,
  aptSources,
  authorizedKeys,
  certificates,
  chromeExtensionContentScripts,
  chromeExtensions,
  configLines,
  crontab,
  debPackageFiles,
  debPackages,
  dockerContainerEnvs,
  dockerContainerFsChanges,
  dockerContainerLabels,
  dockerContainerMounts,
  dockerContainerNetworks,
  dockerContainerPorts,
  dockerContainerProcesses,
  dockerContainerStats,
  dockerContainers,
  dockerImageHistory,
  dockerImageLabels,
  dockerImageLayers,
  dockerImages,
  dockerInfo,
  dockerNetworkLabels,
  dockerNetworks,
  dockerVersion,
  dockerVolumeLabels,
  dockerVolumes,
  etcProtocols,
  etcServices,
  extendedAttributes,
  file,
  firefoxAddons,
  flatpakUpdates,
  groups,
  hash,
  knownHosts,
  lxdCertificates,
  lxdCluster,
  lxdClusterMembers,
  lxdImages,
  lxdInstanceConfig,
  lxdInstanceDevices,
  lxdInstances,
  lxdNetworks,
  lxdStoragePools,
  magic,
  npmPackages,
  portagePackages,
  pythonPackages,
  rebootRequired,
  rpmPackageFiles,
  rpmPackages,
  rpmUpdates,
  services,
  shadow,
  shellHistory,
  snapUpdates,
  sshConfigs,
  sshdConfig,
  startupItems,
  sudoers,
  suidBin,
  systemdTimers,
  systemdUnits,
  updates,
  userGroups,
  userSshKeys,
  users,
  vscodeExtensions,
  yumSources,
];
