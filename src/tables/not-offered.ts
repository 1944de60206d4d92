/** osquery's tables that are not served here, each with the reason that a person is told. */

const EVENTED =
  'it holds events gathered over time, and the agent gathers only those of file_events; process_events and ' +
  'socket_events are read from auditd’s log, journal from systemd’s';
const CLOUD = "asking for it would send network traffic to the cloud's metadata service";
const NETWORK = 'it would send network traffic to places a query names';

const LATER = 'this version does not serve it';

/** Table name to the reason, as a clause: `table process_events is not offered: it holds ...`. */
export const notOffered: Readonly<Record<string, string>> = {
  apparmor_events: EVENTED,
  bpf_process_events: EVENTED,
  bpf_socket_events: EVENTED,
  hardware_events: EVENTED,
  process_file_events: EVENTED,
  seccomp_events: EVENTED,
  selinux_events: EVENTED,
  syslog: EVENTED,
  syslog_events: EVENTED,
  user_events: EVENTED,
  yara_events: EVENTED,
  azure_instance_metadata: CLOUD,
  azure_instance_tags: CLOUD,
  ec2_instance_metadata: CLOUD,
  ec2_instance_tags: CLOUD,
  ycloud_instance_metadata: CLOUD,
  prometheus_metrics: NETWORK,
  augeas: 'it needs the augeas library, which is native code; see config_lines',
  carbon_black_info: 'it describes a product this agent does not know',
  carves: 'files are never copied off a host',
  device_file: 'it reads file systems below the kernel; see file',
  device_hash: 'it reads file systems below the kernel; see hash',
  device_partitions: 'it reads partition tables below the kernel; see block_devices',
  intel_me_info: "it talks to the processor's management engine",
  msr: "it reads the processor's registers",
  yara: 'it needs the yara library, which is native code',
  yara_file: 'it needs the yara library, which is native code',
  yara_process: 'it needs the yara library, which is native code',
  jetbrains_plugins: LATER,
  memory_array_mapped_addresses: LATER,
  memory_arrays: LATER,
  memory_device_mapped_addresses: LATER,
  memory_error_info: LATER,
  portage_keywords: LATER,
  portage_use: LATER,
};
