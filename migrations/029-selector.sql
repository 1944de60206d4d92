-- One selector of hosts for requests, schedules and tracks: exactly one of hosts (names), labels (what hosts declare),
-- access_label (what operators set) and site (of the networks).
-- An operator will notice: short locks on request, schedule and track_wish, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.request
  add column labels jsonb,
  add column access_label text[],
  add column site text[];

alter table swarmplane.schedule
  add column labels jsonb,
  add column access_label text[],
  add column site text[],
  add constraint one_selector check (num_nonnulls(hosts, labels, access_label, site) = 1);

alter table swarmplane.track_wish
  add column access_label text[],
  add column site text[],
  drop constraint hosts_or_labels,
  add constraint one_selector check (num_nonnulls(hosts, labels, access_label, site) = 1),
  drop constraint one_wish_per_target_and_owner,
  add constraint one_wish_per_target_and_owner
    unique nulls not distinct (table_name, hosts, labels, access_label, site, owner);

-- sql/66-track.sql has it with two arguments more
drop function if exists swarmplane.track(text, interval, text[], jsonb);
reset role;
