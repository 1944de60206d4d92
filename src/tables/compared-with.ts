/**
 * What the test of each table compares its rows with: something that does not share the table's idea of
 * the matter. Programs stand between backticks. docs/tables.md shows it.
 */
export const comparedWith: Readonly<Record<string, string>> = {
  acpi_tables: '`md5sum` of the files in sysfs',
  apparmor_profiles: 'made-up files as the kernel’s apparmorfs has them',
  apt_sources: '`apt-get update --print-uris` over odd files',
  arp_cache: '`ip neigh`',
  authorized_keys: 'a real `sshd`: its -T and whom it lets in',
  block_devices: '`lsblk`',
  certificates: '`openssl x509`, over the host’s store and made ones',
  chrome_extension_content_scripts:
    'made-up profiles as the browsers and editors write them; none of them is run',
  chrome_extensions: 'made-up profiles as the browsers and editors write them; none of them is run',
  config_lines: '`git config` for the sections that both know, else files of the test',
  cpu_info: '`lscpu`, and os.cpus of Node',
  cpu_load: 'os.cpus of Node, and a process that works',
  cpu_time: 'os.cpus of Node before and after',
  cpuid: '`lscpu`, and os.cpus of Node',
  crontab: 'made-up tables as crontab(5) and cronie have them',
  curl: '`curl`, both asking a server of the test',
  curl_certificate: '`openssl x509`, of certificates that servers of the test show',
  deb_package_files: '`dpkg-query -L`, of every package',
  deb_packages: '`dpkg-query -W`, of every package',
  disk_encryption: 'the device mapper of made-up machines; `lsblk` for which devices there are',
  disk_io: '/sys/block, read before and after',
  dns_resolvers: 'resolv.conf(5), over made-up files and this machine’s',
  docker_container_envs:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_fs_changes:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_labels:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_mounts:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_networks:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_ports:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_processes:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_container_stats:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_containers:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_image_history:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_image_labels:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_image_layers:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_images:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_info:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_network_labels:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_networks:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_version:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_volume_labels:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  docker_volumes:
    'a server that answers as Docker’s API describes; Docker itself cannot be had in a container',
  entropy_sources: 'the kernel’s files, read another way',
  etc_hosts: '`getent ahosts`',
  etc_protocols: '`getent protocols`',
  etc_services: '`getent services`',
  extended_attributes: '`python3`, whose os.getxattr asks the kernel itself',
  failed_logins: '`lastb`, over the same file',
  file: '`stat` and `find`',
  file_events: 'what the test does to files; `sha256sum` for digests',
  firefox_addons: 'made-up profiles as the browsers and editors write them; none of them is run',
  flatpak_updates: 'recorded: `flatpak` 1.14.10, of a remote made for it',
  groups: '`getent group`',
  hash: 'node:crypto, over contents that the test writes',
  interface_addresses: '`ip address`',
  interface_details: '`ip link`, and /proc/net/dev',
  interface_ipv6: '`sysctl`',
  ip6tables: 'lists in the form of iptables-save; see nft_rules for a real packet filter',
  iptables: 'lists in the form of iptables-save; see nft_rules for a real packet filter',
  journal: '`journalctl` of a real systemd',
  kernel_info: '`uname`',
  kernel_keys: '/proc/keys, read another way',
  kernel_modules: '/proc/modules, read another way',
  known_hosts: 'files of the test, read as their owner would',
  last: '`last`, over the same file',
  lastlog2: 'databases that `sqlite3` makes with the programs’ own schema',
  listening_ports: '`ss`, and sockets that the test opens',
  load_average: 'os.loadavg of Node',
  logged_in_users: '`who`, over the same file',
  lxd_certificates:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_cluster:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_cluster_members:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_images:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_instance_config:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_instance_devices:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_instances:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_networks:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  lxd_storage_pools:
    'a server that answers as LXD’s API describes; LXD itself cannot be had in a container',
  magic: '`file`',
  md_devices: 'texts of /proc/mdstat as real machines have them',
  md_drives: 'texts of /proc/mdstat as real machines have them',
  md_personalities: 'texts of /proc/mdstat as real machines have them',
  memory_devices: 'bytes of SMBIOS as real machines have them',
  memory_info: '`free`',
  memory_map: '/proc/iomem, read another way',
  mounts: '`mount`, and `df` for sizes',
  nft_rules: '`nft`, in a machine whose packet filter nothing else has',
  npm_packages: '`npm ls`',
  oem_strings: 'bytes of SMBIOS as real machines have them',
  os_version: 'what the shell reads from os-release',
  osquery_events: 'the agent’s own facts',
  osquery_extensions: 'the agent’s own facts',
  osquery_flags: 'the agent’s own facts',
  osquery_info: 'the agent’s own facts',
  osquery_packs: 'the agent’s own facts',
  osquery_registry: 'the list of tables',
  osquery_schedule: 'the agent’s own facts',
  pci_devices: 'uevent, which the kernel writes apart',
  platform_info: 'the kernel’s files of DMI, made up',
  portage_packages: 'a made-up database as portage writes it',
  process_envs: 'what a child is started with',
  process_events: 'recorded: a log of auditd 3.0.9, and what `ausearch -i` read from it',
  process_load: 'times(1)’s figures of a process that works and one that waits',
  process_memory_map: '/proc of a child, read another way',
  process_namespaces: 'links of /proc, read another way',
  process_open_files: '`lsof`, of a child',
  process_open_pipes: 'pipes that the test opens',
  process_open_sockets: 'connections that the test makes; the lists in /proc/net',
  processes: '`ps`',
  python_packages: '`python3`, by its own importlib.metadata',
  reboot_required: 'made-up hosts; `sort -V` for the order of kernels',
  resolvers: 'recorded: `resolvectl` 252, of the same answers',
  routes: '`ip route`',
  rpm_package_files: '`rpm`, of packages that the test builds and installs',
  rpm_packages: '`rpm`, of packages that the test builds and installs',
  rpm_updates:
    'recorded: `dnf` 4.14.0 and `zypper` 1.14.42, of a repository made for them; for dnf 5 an edited copy of what dnf 4 printed',
  secureboot: 'bytes of the variable as UEFI has it',
  secureboot_certificates: '`openssl x509`, of certificates in made-up variables',
  selinux_settings: 'made-up files as selinuxfs has them',
  services: 'texts of systemctl, and made-up desktop entries; see systemd_units for a real systemd',
  shadow: '`getent shadow`; `perl`’s crypt for passwords',
  shared_memory: '`ipcs`',
  shell_history: '`bash`, `zsh` and `fish`, reading their own files',
  smbios_tables: 'bytes of SMBIOS as real machines have them',
  snap_updates:
    'output made up after the format that snapd’s tests expect; none was taken from a snapd',
  socket_events: 'recorded: a log of auditd 3.0.9, and what `ausearch -i` read from it',
  ssh_configs: '`ssh -G`',
  sshd_config: '`sshd -T`, Match blocks and Include among them',
  startup_items:
    'texts of systemctl, and made-up desktop entries; see systemd_units for a real systemd',
  sudoers: '`cvtsudoers`: rows put together again are the same rules',
  suid_bin: '`find -perm`',
  swarm_alarms: 'the agent’s own facts',
  swarm_links: 'the agent’s own facts',
  swarm_members: 'the agent’s own facts',
  swarm_seals: 'the agent’s own facts',
  swarm_tracks: 'the agent’s own facts',
  system_controls: '`sysctl -a`',
  system_info: 'os of Node, and the shell',
  systemd_timers: '`systemctl list-timers` of a real systemd',
  systemd_units: '`systemctl list-units`',
  temperature: 'made-up chips and zones',
  time: '`date`',
  time_sync: 'recorded: chronyc 4.3 and timedatectl 252; ntpq as its manual has it',
  ulimit_info: '`ulimit` of a shell',
  updates: '`apt list --upgradable`',
  uptime: 'the system call that Node makes',
  usb_devices: 'made-up devices; /sys/bus/usb for their number',
  user_groups: '`id -G`, of every user',
  user_ssh_keys: '`ssh-keygen`',
  users: '`getent passwd`',
  vscode_extensions: 'made-up profiles as the browsers and editors write them; none of them is run',
  wtmpdb: 'databases that `sqlite3` makes with the programs’ own schema',
  yum_sources: 'made-up repository files as yum.conf(5) has them',
};
