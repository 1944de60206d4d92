-- Which keys each node has had, as the hubs pinned them.
set local role swarmplane_owner;

create table swarmplane.node_key (
  node_id integer not null references swarmplane.node,
  version integer not null
    constraint version_is_in_a_list check (version between 0 and 1023),
  hash bytea not null generated always as (sha256(entry)) stored,
  sign_key bytea not null
    constraint sign_key_has_32_bytes check (length(sign_key) = 32),
  box_key bytea not null
    constraint box_key_has_32_bytes check (length(box_key) = 32),
  made_at timestamptz not null,
  entry bytea not null
    constraint entry_is_not_too_long check (length(entry) <= 1024),
  first_seen timestamptz not null default now(),
  primary key (node_id, version, hash)
);
reset role;
