-- Between what a setting may lie: beyond it something would overflow, starve or stop. The owner may change the bounds,
-- operators the value. What is kept may be kept 'forever'.
-- And of which swarm a database is: a hub of another one is refused.
-- An operator will notice: a value beyond its bounds is set to the nearer one.
set local role swarmplane_owner;

alter table swarmplane.setting
  add column least text,
  add column most text,
  add column may_be_forever boolean not null default false;
update swarmplane.setting s
   set least = b.least,
       most = b.most,
       may_be_forever = b.forever,
       value = case
         when s.kind = 'integer' then least(greatest(s.value::numeric, b.least::numeric), b.most::numeric)::text
         when s.value::interval < b.least::interval then b.least
         when s.value::interval > b.most::interval then b.most
         else s.value end
  from (values
    ('query_expires_in', '100 milliseconds', '90 days', false),
    ('action_expires_in', '1 second', '90 days', false),
    -- hubs renew every 10 seconds
    ('lease_time', '20 seconds', '1 hour', false),
    ('attempts_max', '1', '1000', false),
    ('retry_min', '10 milliseconds', '1 hour', false),
    ('retry_max', '100 milliseconds', '1 day', false),
    -- what lasts is said again every 5 minutes
    ('alert_quiet_after', '10 minutes', '1 year', false),
    ('alert_events_kept', '1 day', '1 year', false),
    ('result_kept', '1 day', '100 years', true),
    ('audit_kept', '1 day', '100 years', true),
    ('history_kept', '1 day', '100 years', true),
    ('history_compact_after', '1 hour', '100 years', true),
    ('host_away_after', '10 seconds', '1 year', false),
    ('clock_tolerance', '1 second', '1 day', false),
    ('open_requests_asker', '1', '1000000', false),
    ('open_requests_operator', '1', '1000000', false)) as b (name, least, most, forever)
 where s.name = b.name;
comment on column swarmplane.setting.least is 'The least that value may be; null: anything above nothing.';
comment on column swarmplane.setting.most is 'The most that value may be.';
comment on column swarmplane.setting.may_be_forever is 'Whether value may be the word forever.';

create table swarmplane.swarm (
  id text primary key
    constraint id_is_64_hex_digits check (id ~ '^[0-9a-f]{64}$'),
  since timestamptz not null default now()
);
create unique index one_swarm on swarmplane.swarm ((true));
reset role;
