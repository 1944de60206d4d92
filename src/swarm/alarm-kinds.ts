/** What this host warns of, and what each means; docs/protocol.md sections 5 to 10. How each ends: alarm-ends.ts. */
export const ALARM_KINDS = [
  /** The journal of actions cannot be read or written: no action runs. */
  'action_journal',
  /** A new node id at all addresses of a known host. */
  'address_reused',
  /** Two runs of one identity take turns. */
  'clone',
  /** One id for two commands: the second was refused. */
  'command_reused',
  /** The key of the operator that made the present epoch was revoked, and no other one has made another. */
  'epoch_of_revoked_key',
  /** The operator rotated the epoch, and its key was not sealed to this host. */
  'epoch_closed',
  /** The operator has put this host out. */
  'expelled',
  /** A host that was put out holds the key of the present epoch. */
  'expelled_without_rotation',
  /** A member says of others, again and again, that they are gone, and they are not. */
  'false_accuser',
  /** Two entries of one version in a key list. */
  'fork',
  /** A hub runs here without the operator's certificate, or with one that ends within 30 days. */
  'hub_certificate',
  /** Many failed tries to join. */
  'join_guessing',
  /** More members than are taken up. */
  'members',
  /** A new name looks like that of another member. */
  'name_like',
  /** A member calls itself what no host may be called. */
  'name_refused',
  /** A new node id under a known name. */
  'name_reused',
  /** A key was shown that had been rotated away. */
  'old_key',
  /** What must outlive a restart could not be written. */
  'persist_failed',
  /** Others know another node or key under a member's name and address. */
  'probe_conflict',
  /** The own key list is longer elsewhere. */
  'rollback',
  /** Two EPOCHs were made that did not know of each other; this host was in the one that lost. */
  'rotation_conflict',
  /** A seal far beyond the last one of its audit chain. */
  'seal_fault',
  /** Two seals with one number in an audit chain. */
  'seal_fork',
  /** More audit chains than are remembered. */
  'seals_full',
  /** A member takes all that one member may of something at this host. */
  'share_full',
  /** What was kept from the last run cannot be read. */
  'state',
  /** More hosts show an admission by a join token than it may bring. */
  'token_overused',
  /** A try to join with a wrong secret. */
  'wrong_secret',
] as const;

export type AlarmKind = (typeof ALARM_KINDS)[number];
