/** osquery's tables of macOS and Windows, by its public specifications (specs/darwin, specs/windows of 5.x). */

const MACOS = `account_policy_data ad_config alf alf_exceptions alf_explicit_auths app_schemes apps asl
  authorization_mechanisms authorizations browser_plugins connected_displays crashes cups_destinations
  cups_jobs device_firmware disk_events es_process_events es_process_file_events event_taps
  fan_speed_sensors gatekeeper gatekeeper_approved_apps homebrew_packages ibridge_info
  iokit_devicetree iokit_registry kernel_extensions kernel_panics keychain_acls keychain_items
  launchd launchd_overrides location_services managed_policies mdfind mdls nfs_shares nvram
  package_bom package_install_history package_receipts password_policy plist power_sensors
  preferences quicklook_cache running_apps safari_extensions sandboxes screenlock shared_folders
  sharing_preferences signature sip_config smc_keys system_extensions temperature_sensors
  time_machine_backups time_machine_destinations unified_log user_interaction_events
  virtual_memory_info wifi_networks wifi_status wifi_survey xprotect_entries xprotect_meta
  xprotect_reports`;

const WINDOWS = `appcompat_shims authenticode autoexec background_activities_moderator bitlocker_info
  chassis_info chocolatey_packages connectivity default_environment deviceguard_status disk_info
  dns_cache dns_lookup_events drivers hvci_status ie_extensions jumplists kva_speculative_info
  logical_drives logon_sessions ntdomains ntfs_acl_permissions ntfs_journal_events office_mru patches
  physical_disk_performance pipes powershell_events prefetch process_etw_events programs recent_files
  registry scheduled_tasks security_profile_info services shared_resources shellbags shimcache
  shortcut_files tpm_info userassist video_info winbaseobj windows_crashes windows_eventlog
  windows_events windows_firewall_rules windows_optional_features windows_search
  windows_security_center windows_security_products windows_update_history wmi_bios_info
  wmi_cli_event_consumers wmi_event_filters wmi_filter_consumer_binding
  wmi_script_event_consumers`;

/** What a host of Linux has of the kind. */
const INSTEAD: Readonly<Record<string, string>> = {
  alf: 'iptables',
  apps: 'deb_packages and rpm_packages',
  bitlocker_info: 'disk_encryption',
  chocolatey_packages: 'deb_packages and rpm_packages',
  drivers: 'kernel_modules',
  homebrew_packages: 'deb_packages and rpm_packages',
  kernel_extensions: 'kernel_modules',
  launchd: 'systemd_units',
  logical_drives: 'mounts',
  logon_sessions: 'logged_in_users',
  package_receipts: 'deb_packages and rpm_packages',
  patches: 'updates',
  pipes: 'process_open_pipes',
  programs: 'deb_packages and rpm_packages',
  scheduled_tasks: 'crontab',
  temperature_sensors: 'temperature',
  windows_firewall_rules: 'iptables',
};

/** Table name to the reason why it is not here, as a clause; a name that is served here is no matter. */
export const otherSystems: Readonly<Record<string, string>> = Object.fromEntries([
  ...reasons('macOS', MACOS),
  ...reasons('Windows', WINDOWS),
  ['battery', 'it is a table of macOS and Windows, and hosts here run Linux'],
]);

function reasons(system: string, names: string): (readonly [string, string])[] {
  return names.split(/\s+/).map((name) => {
    const instead = INSTEAD[name] === undefined ? '' : `; see ${INSTEAD[name]}`;
    return [name, `it is a table of ${system}, and hosts here run Linux${instead}`];
  });
}
