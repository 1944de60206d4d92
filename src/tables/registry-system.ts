/** The tables of processes, the kernel, the network, the hardware and the swarm itself. */
import { acpiTables } from './system/acpi-tables.ts';
import { arpCache } from './system/arp-cache.ts';
import { blockDevices } from './system/block-devices.ts';
import { cpuInfo } from './system/cpu-info.ts';
import { cpuLoad } from './system/cpu-load.ts';
import { cpuTime } from './system/cpu-time.ts';
import { cpuid } from './system/cpuid.ts';
import { curlCertificate } from './system/curl-certificate.ts';
import { curl } from './system/curl.ts';
import { diskEncryption } from './system/disk-encryption.ts';
import { diskIo } from './system/disk-io.ts';
import { dnsResolvers } from './system/dns-resolvers.ts';
import { entropySources } from './system/entropy-sources.ts';
import { etcHosts } from './system/etc-hosts.ts';
import { failedLogins } from './system/failed-logins.ts';
import { fileEvents } from './system/file-events.ts';
import { interfaceAddresses } from './system/interface-addresses.ts';
import { interfaceDetails } from './system/interface-details.ts';
import { interfaceIpv6 } from './system/interface-ipv6.ts';
import { ip6tables, iptables } from './system/iptables.ts';
import { journal } from './system/journal.ts';
import { kernelInfo } from './system/kernel-info.ts';
import { kernelKeys } from './system/kernel-keys.ts';
import { kernelModules } from './system/kernel-modules.ts';
import { last } from './system/last.ts';
import { lastlog2 } from './system/lastlog2.ts';
import { listeningPorts } from './system/listening-ports.ts';
import { loadAverage } from './system/load-average.ts';
import { loggedInUsers } from './system/logged-in-users.ts';
import { mdDevices } from './system/md-devices.ts';
import { mdDrives } from './system/md-drives.ts';
import { mdPersonalities } from './system/md-personalities.ts';
import { memoryDevices } from './system/memory-devices.ts';
import { memoryInfo } from './system/memory-info.ts';
import { memoryMap } from './system/memory-map.ts';
import { mounts } from './system/mounts.ts';
import { nftRules } from './system/nft-rules.ts';
import { oemStrings } from './system/oem-strings.ts';
import { osVersion } from './system/os-version.ts';
import { osqueryEvents } from './system/osquery-events.ts';
import { osqueryExtensions } from './system/osquery-extensions.ts';
import { osqueryFlags } from './system/osquery-flags.ts';
import { osqueryInfo } from './system/osquery-info.ts';
import { osqueryPacks } from './system/osquery-packs.ts';
import { osquerySchedule } from './system/osquery-schedule.ts';
import { pciDevices } from './system/pci-devices.ts';
import { platformInfo } from './system/platform-info.ts';
import { processEnvs } from './system/process-envs.ts';
import { processEvents } from './system/process-events.ts';
import { processLoad } from './system/process-load.ts';
import { processMemoryMap } from './system/process-memory-map.ts';
import { processNamespaces } from './system/process-namespaces.ts';
import { processOpenFiles } from './system/process-open-files.ts';
import { processOpenPipes } from './system/process-open-pipes.ts';
import { processOpenSockets } from './system/process-open-sockets.ts';
import { processes } from './system/processes.ts';
import { resolvers } from './system/resolvers.ts';
import { routes } from './system/routes.ts';
import { securebootCertificates } from './system/secureboot-certificates.ts';
import { secureboot } from './system/secureboot.ts';
import { selinuxSettings } from './system/selinux-settings.ts';
import { sharedMemory } from './system/shared-memory.ts';
import { smbiosTables } from './system/smbios-tables.ts';
import { socketEvents } from './system/socket-events.ts';
import { swarmAlarms } from './system/swarm-alarms.ts';
import { swarmLinks } from './system/swarm-links.ts';
import { swarmMembers } from './system/swarm-members.ts';
import { swarmSeals } from './system/swarm-seals.ts';
import { swarmTracks } from './system/swarm-tracks.ts';
import { systemControls } from './system/system-controls.ts';
import { systemInfo } from './system/system-info.ts';
import { temperature } from './system/temperature.ts';
import { timeSync } from './system/time-sync.ts';
import { time } from './system/time.ts';
import { ulimitInfo } from './system/ulimit-info.ts';
import { uptime } from './system/uptime.ts';
import { usbDevices } from './system/usb-devices.ts';
import { wtmpdb } from './system/wtmpdb.ts';
import type { HostTable } from './types.ts';

export const systemTables: readonly HostTable[] = [
  acpiTables,
  arpCache,
  blockDevices,
  cpuInfo,
  cpuLoad,
  cpuTime,
  cpuid,
  curl,
  curlCertificate,
  diskEncryption,
  diskIo,
  dnsResolvers,
  entropySources,
  etcHosts,
  failedLogins,
  fileEvents,
  interfaceAddresses,
  interfaceDetails,
  interfaceIpv6,
  ip6tables,
  iptables,
  journal,
  kernelInfo,
  kernelKeys,
  kernelModules,
  last,
  lastlog2,
  listeningPorts,
  loadAverage,
  loggedInUsers,
  mdDevices,
  mdDrives,
  mdPersonalities,
  memoryDevices,
  memoryInfo,
  memoryMap,
  mounts,
  nftRules,
  oemStrings,
  osVersion,
  osqueryEvents,
  osqueryExtensions,
  osqueryFlags,
  osqueryInfo,
  osqueryPacks,
  osquerySchedule,
  pciDevices,
  platformInfo,
  processEnvs,
  processEvents,
  processLoad,
  processMemoryMap,
  processNamespaces,
  processOpenFiles,
  processOpenPipes,
  processOpenSockets,
  processes,
  resolvers,
  routes,
  secureboot,
  securebootCertificates,
  selinuxSettings,
  sharedMemory,
  smbiosTables,
  socketEvents,
  swarmAlarms,
  swarmLinks,
  swarmMembers,
  swarmSeals,
  swarmTracks,
  systemControls,
  systemInfo,
  temperature,
  time,
  timeSync,
  ulimitInfo,
  uptime,
  usbDevices,
  wtmpdb,
];
