-- What webhooks are told of: one row for each opening and each resolution of an alert.
-- An operator will notice: nothing; alerts that are open already are not told again.
set local role swarmplane_owner;

create table swarmplane.alert_event (
  id bigint generated always as identity primary key,
  alert_id bigint not null references swarmplane.alert on delete cascade,
  event text not null
    constraint event_is_known check (event in ('opened', 'resolved')),
  at timestamptz not null default clock_timestamp(),
  run_at timestamptz not null default clock_timestamp(),
  attempt integer not null default 0,
  sent_at timestamptz,
  last_error text
) with (fillfactor = 80);
create index alert_event_unsent on swarmplane.alert_event (id) where sent_at is null;
create index alert_event_alert on swarmplane.alert_event (alert_id);

insert into swarmplane.setting (name, value, kind, description) values
  ('alert_events_kept', '1 day', 'interval',
   'how long a webhook is tried to be told of an alert, and how long that is remembered');
reset role;
