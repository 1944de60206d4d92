-- role swarmplane_asker in swarmplane_reader

-- role swarmplane_auditor

-- role swarmplane_checker in swarmplane_reader

-- role swarmplane_hub

-- role swarmplane_operator in swarmplane_asker

-- role swarmplane_owner in swarmplane_checker

-- role swarmplane_reader

-- role swarmplane_sensitive in swarmplane_reader

create schema inventory authorization swarmplane_owner;
grant usage on schema inventory to swarmplane_hub;
grant usage on schema inventory to swarmplane_reader;
grant usage on schema inventory to swarmplane_sensitive;

create schema swarmplane authorization swarmplane_owner;
grant usage on schema swarmplane to swarmplane_asker;
grant usage on schema swarmplane to swarmplane_auditor;
grant usage on schema swarmplane to swarmplane_checker;
grant usage on schema swarmplane to swarmplane_hub;
grant usage on schema swarmplane to swarmplane_operator;
grant usage on schema swarmplane to swarmplane_reader;
grant usage on schema swarmplane to swarmplane_sensitive;

create table swarmplane."freeze" (
  id bigint not null generated always as identity,
  reason text not null,
  until timestamp with time zone not null default 'infinity'::timestamp with time zone,
  labels jsonb,
  site text[],
  owner name not null default SESSION_USER,
  made_at timestamp with time zone not null default now(),
  constraint freeze_pkey PRIMARY KEY (id),
  constraint labels_are_an_object CHECK (((jsonb_typeof(labels) = 'object'::text) AND (labels <> '{}'::jsonb))),
  constraint one_selector_at_most CHECK ((num_nonnulls(labels, site) <= 1)),
  constraint reason_is_not_empty CHECK ((reason <> ''::text))
); -- owner swarmplane_owner
CREATE TRIGGER _100_check BEFORE INSERT OR DELETE OR UPDATE ON swarmplane."freeze" FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_freeze__before_write();
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane."freeze" FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane."freeze" enable always trigger _101_refuse_truncate;
CREATE TRIGGER _600_withdraw AFTER INSERT OR DELETE OR UPDATE ON swarmplane."freeze" FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_freeze__after_write();
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane."freeze" FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('freeze');
grant select on swarmplane."freeze" to swarmplane_hub;
grant delete on swarmplane."freeze" to swarmplane_operator;
grant select on swarmplane."freeze" to swarmplane_reader;
grant insert (reason, until, labels, site) on swarmplane."freeze" to swarmplane_operator;
grant update (reason, until) on swarmplane."freeze" to swarmplane_operator;

create table swarmplane.alert (
  id bigint not null generated always as identity,
  kind text not null,
  key text not null,
  severity text not null default 'warning'::text,
  message text not null,
  detail jsonb not null default '{}'::jsonb,
  count bigint not null default 1,
  first_at timestamp with time zone not null default now(),
  last_at timestamp with time zone not null default now(),
  resolved_at timestamp with time zone,
  acknowledged_at timestamp with time zone,
  acknowledged_by name,
  acknowledged_why text,
  constraint alert_pkey PRIMARY KEY (id),
  constraint severity_is_known CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text])))
) with (fillfactor=80); -- owner swarmplane_owner
CREATE INDEX alert_first_at ON swarmplane.alert USING btree (first_at);
CREATE UNIQUE INDEX one_open_alert_per_cause ON swarmplane.alert USING btree (kind, key) WHERE (resolved_at IS NULL);
CREATE TRIGGER _600_tell AFTER INSERT ON swarmplane.alert FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_alert__tell();
CREATE TRIGGER _610_tell_resolved AFTER UPDATE ON swarmplane.alert FOR EACH ROW WHEN ((new.resolved_at IS DISTINCT FROM old.resolved_at)) EXECUTE FUNCTION swarmplane.tg_alert__tell();
CREATE TRIGGER _700_audit AFTER UPDATE OF acknowledged_at ON swarmplane.alert FOR EACH ROW WHEN ((new.acknowledged_at IS DISTINCT FROM old.acknowledged_at)) EXECUTE FUNCTION swarmplane.tg_audit('alert');
CREATE TRIGGER _900_notify AFTER INSERT ON swarmplane.alert FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_alert__notify();
CREATE TRIGGER _910_notify_resolved AFTER UPDATE ON swarmplane.alert FOR EACH ROW WHEN ((new.resolved_at IS DISTINCT FROM old.resolved_at)) EXECUTE FUNCTION swarmplane.tg_alert__notify();
grant select on swarmplane.alert to swarmplane_hub;
grant select on swarmplane.alert to swarmplane_reader;

create table swarmplane.alert_event (
  id bigint not null generated always as identity,
  alert_id bigint not null,
  event text not null,
  at timestamp with time zone not null default clock_timestamp(),
  run_at timestamp with time zone not null default clock_timestamp(),
  attempt integer not null default 0,
  sent_at timestamp with time zone,
  last_error text,
  constraint alert_event_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES swarmplane.alert(id) ON DELETE CASCADE,
  constraint alert_event_pkey PRIMARY KEY (id),
  constraint event_is_known CHECK ((event = ANY (ARRAY['opened'::text, 'resolved'::text])))
) with (fillfactor=80); -- owner swarmplane_owner
CREATE INDEX alert_event_alert ON swarmplane.alert_event USING btree (alert_id);
CREATE INDEX alert_event_unsent ON swarmplane.alert_event USING btree (id) WHERE (sent_at IS NULL);

create table swarmplane.alert_mute (
  kind text not null,
  key text not null,
  until timestamp with time zone not null,
  why text not null,
  muted_by name not null default SESSION_USER,
  muted_at timestamp with time zone not null default now(),
  constraint alert_mute_pkey PRIMARY KEY (kind, key),
  constraint why_is_not_empty CHECK ((why <> ''::text))
); -- owner swarmplane_owner
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.alert_mute FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.alert_mute enable always trigger _101_refuse_truncate;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.alert_mute FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('alert_mute');
grant select on swarmplane.alert_mute to swarmplane_hub;
grant select on swarmplane.alert_mute to swarmplane_reader;

create table swarmplane.audit (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default clock_timestamp(),
  actor name not null default SESSION_USER,
  action text not null,
  object text not null,
  before jsonb,
  after jsonb,
  xid xid8 not null default pg_current_xact_id(),
  hash bytea,
  constraint audit_pkey PRIMARY KEY (id, at)
) partition by RANGE (at); -- owner swarmplane_owner
CREATE INDEX audit_at ON ONLY swarmplane.audit USING btree (at);
CREATE TRIGGER _100_hash BEFORE INSERT ON swarmplane.audit FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit__before_insert();
CREATE TRIGGER _100_refuse_change BEFORE DELETE OR UPDATE ON swarmplane.audit FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit__refuse_change();
alter table swarmplane.audit enable always trigger _100_refuse_change;
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.audit FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_audit__refuse_change();
alter table swarmplane.audit enable always trigger _101_refuse_truncate;
grant select on swarmplane.audit to swarmplane_auditor;
grant select on swarmplane.audit to swarmplane_operator;

create table swarmplane.audit_seal (
  number bigint not null,
  chain uuid not null,
  at timestamp with time zone not null,
  hub text not null,
  previous bytea not null,
  count integer not null,
  first_id bigint not null,
  last_id bigint not null,
  seen_id bigint not null,
  settled_id bigint not null,
  rows bytea not null,
  dropped_before timestamp with time zone,
  dropped_seal bigint,
  dropped_hash bytea,
  dropped_rows bigint,
  hash bytea not null,
  head bytea,
  key_version bigint,
  last_at timestamp with time zone,
  seen_xid xid8 not null,
  constraint audit_seal_pkey PRIMARY KEY (number),
  constraint checkpoint_is_whole CHECK ((num_nulls(dropped_before, dropped_seal, dropped_hash, dropped_rows) = ANY (ARRAY[0, 4]))),
  constraint hub_is_a_node_id CHECK ((hub ~ '^[0-9a-f]{64}$'::text)),
  constraint number_is_positive CHECK ((number > 0)),
  constraint rows_are_counted CHECK ((octet_length(rows) = (count * 48)))
); -- owner swarmplane_owner
CREATE TRIGGER _100_refuse_change BEFORE DELETE OR UPDATE ON swarmplane.audit_seal FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit_seal__refuse_change();
alter table swarmplane.audit_seal enable always trigger _100_refuse_change;
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.audit_seal FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_audit_seal__refuse_change();
alter table swarmplane.audit_seal enable always trigger _101_refuse_truncate;
grant select on swarmplane.audit_seal to swarmplane_auditor;
grant select on swarmplane.audit_seal to swarmplane_operator;
grant select (number, chain, hub, head) on swarmplane.audit_seal to swarmplane_hub;

create table swarmplane.backup (
  id bigint not null generated always as identity,
  hub text not null,
  name text not null,
  folder text not null,
  began_at timestamp with time zone not null default now(),
  lease_until timestamp with time zone not null,
  ended_at timestamp with time zone,
  file text,
  bytes bigint,
  rows bigint,
  verified boolean not null default false,
  trouble text,
  removed_at timestamp with time zone,
  constraint backup_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE INDEX backup_began_at ON swarmplane.backup USING btree (began_at);
grant select on swarmplane.backup to swarmplane_hub;
grant select on swarmplane.backup to swarmplane_reader;

create table swarmplane.backup_plan (
  hub text not null,
  name text not null,
  every interval not null,
  folder text not null,
  keep integer not null,
  verify boolean not null,
  planned_at timestamp with time zone not null default now(),
  constraint backup_plan_pkey PRIMARY KEY (hub)
); -- owner swarmplane_owner
grant select on swarmplane.backup_plan to swarmplane_hub;
grant select on swarmplane.backup_plan to swarmplane_reader;

create table swarmplane.cancel_wish (
  id bigint not null generated always as identity,
  request_id bigint not null,
  wished_by name not null default SESSION_USER,
  wished_at timestamp with time zone not null default now(),
  constraint cancel_wish_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE TRIGGER _900_notify AFTER INSERT ON swarmplane.cancel_wish FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_notify();

create table swarmplane.delivery (
  id uuid not null default gen_random_uuid(),
  request_id bigint not null,
  node_id integer not null,
  state text not null default 'pending'::text,
  priority smallint not null default 0,
  run_at timestamp with time zone not null default now(),
  attempt integer not null default 0,
  reached boolean not null default false,
  token uuid,
  claimed_at timestamp with time zone,
  last_code text,
  last_error text,
  lane text not null default ''::text,
  constraint attempt_is_not_negative CHECK ((attempt >= 0)),
  constraint delivery_pkey PRIMARY KEY (id),
  constraint delivery_request_id_fkey FOREIGN KEY (request_id) REFERENCES swarmplane.request(id),
  constraint one_per_request_and_node UNIQUE (request_id, node_id),
  constraint parked_waits_for_ever CHECK (((state = 'parked'::text) = (run_at = 'infinity'::timestamp with time zone))),
  constraint running_has_a_token CHECK (((state <> 'running'::text) OR (token IS NOT NULL))),
  constraint state_is_open CHECK ((state = ANY (ARRAY['pending'::text, 'parked'::text, 'running'::text])))
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02); -- owner swarmplane_owner
CREATE INDEX delivery_due ON swarmplane.delivery USING btree (lane, priority, run_at, id) WHERE (state = 'pending'::text);
CREATE INDEX delivery_parked ON swarmplane.delivery USING btree (node_id) WHERE (state = 'parked'::text);
CREATE TRIGGER _100_refuse_truncate BEFORE TRUNCATE ON swarmplane.delivery FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse();
alter table swarmplane.delivery enable always trigger _100_refuse_truncate;
CREATE TRIGGER _800_count_insert AFTER INSERT ON swarmplane.delivery REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_delivery__after_insert();
CREATE TRIGGER _800_count_update AFTER UPDATE ON swarmplane.delivery REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_delivery__after_update();
alter table swarmplane.delivery enable row level security;
create policy by_label on swarmplane.delivery for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select (id, request_id, node_id, state, priority, run_at, attempt, reached, claimed_at, last_code, last_error) on swarmplane.delivery to swarmplane_hub;
grant select (id, request_id, node_id, state, priority, run_at, attempt, reached, claimed_at, last_code, last_error) on swarmplane.delivery to swarmplane_reader;

create table swarmplane.delivery_done (
  node_id integer not null,
  request_id bigint not null,
  asked_at timestamp with time zone not null,
  id uuid not null,
  host text not null,
  state text not null,
  was text not null,
  attempt integer not null,
  rows integer not null default 0,
  truncated boolean not null default false,
  ms integer,
  code text,
  error text,
  columns text[],
  warnings text[],
  proof bytea,
  hub uuid,
  claimed_at timestamp with time zone,
  ended_at timestamp with time zone not null default clock_timestamp(),
  constraint delivery_done_pkey PRIMARY KEY (node_id, request_id, asked_at),
  constraint state_is_an_end CHECK ((state = ANY (ARRAY['ok'::text, 'failed'::text, 'refused'::text, 'expired'::text, 'unreachable'::text, 'cancelled'::text]))),
  constraint was_open CHECK ((was = ANY (ARRAY['pending'::text, 'parked'::text, 'running'::text])))
) partition by RANGE (asked_at); -- owner swarmplane_owner
CREATE INDEX delivery_done_request ON ONLY swarmplane.delivery_done USING btree (request_id);
CREATE TRIGGER _100_refuse_update BEFORE UPDATE ON swarmplane.delivery_done FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse();
alter table swarmplane.delivery_done enable always trigger _100_refuse_update;
CREATE TRIGGER _800_count_done AFTER INSERT ON swarmplane.delivery_done REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_delivery_done__after_insert();
alter table swarmplane.delivery_done enable row level security;
create policy by_label on swarmplane.delivery_done for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.delivery_done to swarmplane_hub;
grant select on swarmplane.delivery_done to swarmplane_reader;

create table swarmplane.desired (
  id bigint not null generated always as identity,
  name text not null,
  description text,
  resolution text,
  sql text,
  view text,
  action text,
  args jsonb not null default '{}'::jsonb,
  hosts text[],
  labels jsonb,
  access_label text[],
  site text[],
  every interval not null default '01:00:00'::interval,
  at_once integer not null default 10,
  at_once_per jsonb not null default '{}'::jsonb,
  stop_after integer,
  tries integer not null default 3,
  per interval not null default '01:00:00'::interval,
  settle interval not null default '00:00:00'::interval,
  expires_in interval not null default '00:15:00'::interval,
  hold_after integer,
  windows text,
  zone text not null default 'UTC'::text,
  after text[] not null default '{}'::text[],
  dry_run boolean,
  active boolean not null default true,
  owner name not null default SESSION_USER,
  version integer not null default 1,
  changed_at timestamp with time zone not null default now(),
  resumed_at timestamp with time zone not null default now(),
  approved_by name,
  approved_version integer,
  stopped_at timestamp with time zone,
  stopped_why text,
  waits_since timestamp with time zone,
  looked_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  look_at timestamp with time zone not null default now(),
  checking_xid xid8,
  last_error text,
  constraint an_action_names_its_hosts CHECK (((action IS NULL) OR (hosts IS DISTINCT FROM '{*}'::text[]))),
  constraint at_once_is_positive CHECK ((at_once > 0)),
  constraint checks_or_acts CHECK ((num_nonnulls(sql, view, action) > 0)),
  constraint desired_name_is_unique UNIQUE (name),
  constraint desired_pkey PRIMARY KEY (id),
  constraint hold_after_is_not_negative CHECK ((hold_after >= 0)),
  constraint labels_are_an_object CHECK (((jsonb_typeof(labels) = 'object'::text) AND (labels <> '{}'::jsonb))),
  constraint name_is_not_empty CHECK ((name <> ''::text)),
  constraint one_selector CHECK ((num_nonnulls(hosts, labels, access_label, site) = 1)),
  constraint stop_after_is_positive CHECK ((stop_after > 0)),
  constraint tries_is_bounded CHECK (((tries >= 1) AND (tries <= 100)))
); -- owner swarmplane_owner
CREATE TRIGGER _100_check BEFORE INSERT OR UPDATE OF name, description, resolution, sql, view, action, args, hosts, labels, access_label, site, every, at_once, at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active ON swarmplane.desired FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_desired__before_write();
CREATE TRIGGER _100_check_delete BEFORE DELETE ON swarmplane.desired FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_desired__before_delete();
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.desired FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.desired enable always trigger _101_refuse_truncate;
CREATE TRIGGER _600_withdraw AFTER UPDATE ON swarmplane.desired FOR EACH ROW WHEN (((new.version <> old.version) OR (old.active > new.active) OR (new.dry_run > old.dry_run))) EXECUTE FUNCTION swarmplane.tg_desired__after_change();
CREATE TRIGGER _610_withdraw_deleted AFTER DELETE ON swarmplane.desired FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_desired__after_change();
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE ON swarmplane.desired FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('desired');
CREATE TRIGGER _710_audit_change AFTER UPDATE ON swarmplane.desired FOR EACH ROW WHEN (((new.version <> old.version) OR (new.active <> old.active) OR (new.dry_run <> old.dry_run) OR (new.owner <> old.owner) OR (new.approved_version IS DISTINCT FROM old.approved_version) OR (new.stopped_at IS DISTINCT FROM old.stopped_at) OR (new.resumed_at <> old.resumed_at))) EXECUTE FUNCTION swarmplane.tg_audit('desired');
CREATE TRIGGER _900_notify AFTER INSERT ON swarmplane.desired FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_notify();
CREATE TRIGGER _910_notify_change AFTER UPDATE ON swarmplane.desired FOR EACH ROW WHEN (((new.version <> old.version) OR (new.active <> old.active) OR (new.dry_run <> old.dry_run) OR (new.approved_version IS DISTINCT FROM old.approved_version) OR (new.resumed_at <> old.resumed_at))) EXECUTE FUNCTION swarmplane.tg_notify();
grant select on swarmplane.desired to swarmplane_hub;
grant delete on swarmplane.desired to swarmplane_operator;
grant select on swarmplane.desired to swarmplane_reader;
grant insert (name, description, resolution, sql, view, action, args, hosts, labels, access_label, site, every, at_once, at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active) on swarmplane.desired to swarmplane_operator;
grant update (name, description, resolution, sql, view, action, args, hosts, labels, access_label, site, every, at_once, at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active) on swarmplane.desired to swarmplane_operator;

create table swarmplane.desired_event (
  id bigint not null generated always as identity,
  at timestamp with time zone not null default clock_timestamp(),
  desired_id bigint not null,
  node_id integer not null,
  name text not null,
  version integer not null,
  was text,
  became text,
  request_id bigint,
  why jsonb,
  error text,
  constraint desired_event_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint desired_event_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE INDEX desired_event_at ON swarmplane.desired_event USING btree (at);
CREATE INDEX desired_event_row ON swarmplane.desired_event USING btree (desired_id, at);
alter table swarmplane.desired_event enable row level security;
create policy by_label on swarmplane.desired_event for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.desired_event to swarmplane_hub;
grant select on swarmplane.desired_event to swarmplane_reader;

create table swarmplane.desired_host (
  desired_id bigint not null,
  node_id integer not null,
  version integer not null,
  state text not null default 'unknown'::text,
  since timestamp with time zone not null default clock_timestamp(),
  named jsonb,
  why jsonb,
  args jsonb,
  tries integer not null default 0,
  retry_at timestamp with time zone,
  checked_at timestamp with time zone,
  next_at timestamp with time zone not null default '-infinity'::timestamp with time zone,
  asked bigint,
  request_id bigint,
  acted_at timestamp with time zone,
  lost boolean not null default false,
  error text,
  constraint desired_host_desired_id_fkey FOREIGN KEY (desired_id) REFERENCES swarmplane.desired(id) ON DELETE CASCADE,
  constraint desired_host_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint desired_host_pkey PRIMARY KEY (desired_id, node_id),
  constraint state_is_known CHECK ((state = ANY (ARRAY['unknown'::text, 'ok'::text, 'wrong'::text, 'acting'::text, 'proving'::text, 'stuck'::text])))
) with (fillfactor=80); -- owner swarmplane_owner
CREATE UNIQUE INDEX one_action_per_host ON swarmplane.desired_host USING btree (node_id) WHERE (state = 'acting'::text);
CREATE TRIGGER _500_event AFTER UPDATE OF state ON swarmplane.desired_host FOR EACH ROW WHEN ((new.state <> old.state)) EXECUTE FUNCTION swarmplane.tg_desired_host__after_state();
alter table swarmplane.desired_host enable row level security;
create policy by_label on swarmplane.desired_host for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.desired_host to swarmplane_hub;
grant select on swarmplane.desired_host to swarmplane_reader;

create table swarmplane.desired_try (
  desired_id bigint not null,
  node_id integer not null,
  request_id bigint not null,
  args jsonb not null,
  at timestamp with time zone not null default clock_timestamp(),
  constraint desired_try_desired_id_fkey FOREIGN KEY (desired_id) REFERENCES swarmplane.desired(id) ON DELETE CASCADE,
  constraint desired_try_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint desired_try_pkey PRIMARY KEY (desired_id, node_id, request_id)
); -- owner swarmplane_owner
alter table swarmplane.desired_try enable row level security;
create policy by_label on swarmplane.desired_try for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));

create table swarmplane.gap_run (
  id bigint not null generated always as identity,
  node_id integer not null,
  table_name text not null,
  at timestamp with time zone not null,
  since timestamp with time zone,
  until timestamp with time zone,
  reason_code text not null,
  reason text not null,
  takings_lost bigint,
  constraint gap_run_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint gap_run_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE INDEX gap_run_at ON swarmplane.gap_run USING btree (node_id, table_name, at);
CREATE INDEX gap_run_open ON swarmplane.gap_run USING btree (node_id, table_name) WHERE (until IS NULL);
alter table swarmplane.gap_run enable row level security;
create policy by_label on swarmplane.gap_run for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.gap_run to swarmplane_hub;
grant select on swarmplane.gap_run to swarmplane_reader;

create table swarmplane.handover (
  node_id integer not null,
  due_at timestamp with time zone not null default now(),
  version bigint,
  known_version bigint,
  refused jsonb not null default '[]'::jsonb,
  asked_at timestamp with time zone,
  answered_at timestamp with time zone,
  last_error text,
  constraint handover_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint handover_pkey PRIMARY KEY (node_id),
  constraint handover_version_fkey FOREIGN KEY (version) REFERENCES swarmplane.wish_list(version)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02); -- owner swarmplane_owner
CREATE INDEX handover_due ON swarmplane.handover USING btree (due_at);
alter table swarmplane.handover enable row level security;
create policy by_label on swarmplane.handover for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.handover to swarmplane_hub;
grant select on swarmplane.handover to swarmplane_reader;

create table swarmplane.head (
  node_id integer not null,
  table_name text not null,
  line bytea,
  sequence bigint not null default 0,
  hash bytea,
  rows integer not null default 0,
  shape integer,
  first_at timestamp with time zone,
  seen_at timestamp with time zone,
  changed_at timestamp with time zone,
  gap_reason text,
  constraint head_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint head_pkey PRIMARY KEY (node_id, table_name)
) with (fillfactor=70, autovacuum_vacuum_scale_factor=0.02); -- owner swarmplane_owner
alter table swarmplane.head enable row level security;
create policy by_label on swarmplane.head for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.head to swarmplane_hub;
grant select on swarmplane.head to swarmplane_reader;

create table swarmplane.host_table (
  name text not null,
  description text not null,
  columns jsonb not null,
  key text[] not null,
  sensitive boolean not null default false,
  seen_at timestamp with time zone not null default now(),
  constraint host_table_pkey PRIMARY KEY (name)
); -- owner swarmplane_owner
grant select on swarmplane.host_table to swarmplane_hub;
grant select on swarmplane.host_table to swarmplane_reader;

create table swarmplane.hub (
  id uuid not null default gen_random_uuid(),
  identity text not null,
  name text not null,
  version text not null default ''::text,
  process integer,
  started_at timestamp with time zone not null default now(),
  seen_at timestamp with time zone not null default now(),
  stopped_at timestamp with time zone,
  actions text[] not null default '{}'::text[],
  constraint hub_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE INDEX hub_identity ON swarmplane.hub USING btree (identity) WHERE (stopped_at IS NULL);
grant select on swarmplane.hub to swarmplane_hub;
grant select on swarmplane.hub to swarmplane_reader;

create table swarmplane.label_grant (
  role name not null,
  label text not null,
  constraint label_grant_pkey PRIMARY KEY (role, label),
  constraint label_is_not_empty CHECK ((label <> ''::text))
); -- owner swarmplane_owner
CREATE TRIGGER _100_check BEFORE INSERT OR DELETE OR UPDATE ON swarmplane.label_grant FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_label_grant__check();
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.label_grant FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.label_grant enable always trigger _101_refuse_truncate;
CREATE TRIGGER _110_check_own AFTER INSERT OR DELETE OR UPDATE ON swarmplane.label_grant FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_label_grant__check();
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.label_grant FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('label_grant');
grant select on swarmplane.label_grant to swarmplane_hub;
grant delete, insert on swarmplane.label_grant to swarmplane_operator;
grant select on swarmplane.label_grant to swarmplane_reader;

create table swarmplane.latch (
  name text not null,
  constraint latch_pkey PRIMARY KEY (name)
); -- owner swarmplane_owner

create table swarmplane.lease (
  token uuid not null,
  hub uuid not null,
  request_id bigint not null,
  claimed_at timestamp with time zone not null default now(),
  until timestamp with time zone not null,
  open bigint not null,
  constraint lease_pkey PRIMARY KEY (token)
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02); -- owner swarmplane_owner
CREATE INDEX lease_until ON swarmplane.lease USING btree (until);

create table swarmplane.migration (
  version integer not null,
  name text not null,
  checksum text not null,
  breaking boolean not null,
  release text not null,
  applied_at timestamp with time zone not null default now(),
  applied_by text not null default SESSION_USER,
  constraint migration_pkey PRIMARY KEY (version)
); -- owner swarmplane
grant select on swarmplane.migration to swarmplane_hub;

create table swarmplane.network (
  id integer not null generated always as identity,
  range cidr not null,
  name text not null,
  site text not null,
  constraint name_is_not_empty CHECK ((name <> ''::text)),
  constraint network_name_is_unique UNIQUE (name),
  constraint network_pkey PRIMARY KEY (id),
  constraint ranges_do_not_overlap EXCLUDE USING gist (range inet_ops WITH &&),
  constraint site_is_not_empty CHECK ((site <> ''::text))
); -- owner swarmplane_owner
CREATE TRIGGER _100_check BEFORE INSERT OR DELETE OR UPDATE ON swarmplane.network FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_network__before_write();
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.network FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.network enable always trigger _101_refuse_truncate;
CREATE TRIGGER _200_check_declared AFTER DELETE OR UPDATE ON swarmplane.network FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_network__check_declared();
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.network FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('network');
grant select on swarmplane.network to swarmplane_hub;
grant delete on swarmplane.network to swarmplane_operator;
grant select on swarmplane.network to swarmplane_reader;
grant insert (range, name, site) on swarmplane.network to swarmplane_operator;
grant update (range, name, site) on swarmplane.network to swarmplane_operator;

create table swarmplane.node (
  id integer not null generated always as identity,
  identity text not null,
  name text not null,
  state text not null,
  labels jsonb not null default '{}'::jsonb,
  version text not null default ''::text,
  hub boolean not null default false,
  incarnation bigint not null default 0,
  first_seen timestamp with time zone not null default now(),
  since timestamp with time zone not null default now(),
  seen_at timestamp with time zone,
  boot text,
  booted_at timestamp with time zone,
  clock_off interval,
  out_since timestamp with time zone,
  ending boolean not null default false,
  retired_at timestamp with time zone,
  retired_by name,
  retired_for text,
  swarm_state text,
  back_at timestamp with time zone,
  token text,
  name_given boolean not null default false,
  constraint identity_is_64_hex_digits CHECK ((identity ~ '^[0-9a-f]{64}$'::text)),
  constraint identity_is_unique UNIQUE (identity),
  constraint labels_are_an_object CHECK ((jsonb_typeof(labels) = 'object'::text)),
  constraint name_is_not_empty CHECK ((name <> ''::text)),
  constraint node_pkey PRIMARY KEY (id),
  constraint retired_is_whole CHECK ((((state = 'retired'::text) = (retired_at IS NOT NULL)) AND ((state = 'retired'::text) = (swarm_state IS NOT NULL)))),
  constraint state_is_known CHECK ((state = ANY (ARRAY['alive'::text, 'suspect'::text, 'dead'::text, 'left'::text, 'forgotten'::text, 'expelled'::text, 'retired'::text]))),
  constraint swarm_state_is_known CHECK ((swarm_state = ANY (ARRAY['alive'::text, 'suspect'::text, 'dead'::text, 'left'::text, 'forgotten'::text, 'expelled'::text])))
); -- owner swarmplane_owner
CREATE INDEX node_back ON swarmplane.node USING btree (back_at);
CREATE INDEX node_departed ON swarmplane.node USING btree (id) WHERE (state = ANY (ARRAY['forgotten'::text, 'retired'::text]));
CREATE INDEX node_ending ON swarmplane.node USING btree (id) WHERE ending;
CREATE INDEX node_name ON swarmplane.node USING btree (name);
CREATE TRIGGER _100_out BEFORE INSERT OR UPDATE OF state ON swarmplane.node FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_node__before_write();
CREATE TRIGGER _300_back BEFORE INSERT OR UPDATE OF state, incarnation ON swarmplane.node FOR EACH ROW WHEN ((new.state = 'alive'::text)) EXECUTE FUNCTION swarmplane.tg_node__before_back();
alter table swarmplane.node enable row level security;
create policy by_label on swarmplane.node for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.node to swarmplane_hub;
grant select on swarmplane.node to swarmplane_reader;

create table swarmplane.node_address (
  node_id integer not null,
  address text not null,
  ip inet,
  port integer,
  current boolean not null default true,
  declared boolean not null default false,
  first_seen timestamp with time zone not null default now(),
  last_seen timestamp with time zone not null default now(),
  constraint address_is_not_empty CHECK ((address <> ''::text)),
  constraint declared_has_an_ip CHECK (((NOT declared) OR (ip IS NOT NULL))),
  constraint node_address_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint node_address_pkey PRIMARY KEY (node_id, address),
  constraint port_is_a_port CHECK (((port >= 1) AND (port <= 65535)))
); -- owner swarmplane_owner
CREATE TRIGGER _200_check_declared AFTER INSERT OR UPDATE ON swarmplane.node_address FOR EACH ROW WHEN (new.declared) EXECUTE FUNCTION swarmplane.tg_node_address__check_declared();
alter table swarmplane.node_address enable row level security;
create policy by_label on swarmplane.node_address for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.node_address to swarmplane_hub;
grant select on swarmplane.node_address to swarmplane_reader;
grant insert (node_id, address, ip, port, declared) on swarmplane.node_address to swarmplane_operator;
grant update (declared) on swarmplane.node_address to swarmplane_operator;

create table swarmplane.node_key (
  node_id integer not null,
  version integer not null,
  hash bytea not null generated always as (sha256(entry)) stored,
  sign_key bytea not null,
  box_key bytea not null,
  made_at timestamp with time zone not null,
  entry bytea not null,
  first_seen timestamp with time zone not null default now(),
  constraint box_key_has_32_bytes CHECK ((length(box_key) = 32)),
  constraint entry_is_not_too_long CHECK ((length(entry) <= 1024)),
  constraint node_key_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint node_key_pkey PRIMARY KEY (node_id, version, hash),
  constraint sign_key_has_32_bytes CHECK ((length(sign_key) = 32)),
  constraint version_is_in_a_list CHECK (((version >= 0) AND (version <= 1023)))
); -- owner swarmplane_owner
CREATE TRIGGER _100_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON swarmplane.node_key FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_node_key__append_only();
alter table swarmplane.node_key enable always trigger _100_append_only;
alter table swarmplane.node_key enable row level security;
create policy by_label on swarmplane.node_key for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.node_key to swarmplane_hub;
grant select on swarmplane.node_key to swarmplane_reader;

create table swarmplane.node_label (
  node_id integer not null,
  label text not null,
  constraint label_is_not_empty CHECK ((label <> ''::text)),
  constraint node_label_node_id_fkey FOREIGN KEY (node_id) REFERENCES swarmplane.node(id),
  constraint node_label_pkey PRIMARY KEY (node_id, label)
); -- owner swarmplane_owner
CREATE INDEX node_label_label ON swarmplane.node_label USING btree (label);
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.node_label FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.node_label enable always trigger _101_refuse_truncate;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.node_label FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('node_label');
alter table swarmplane.node_label enable row level security;
create policy by_label on swarmplane.node_label for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.node_label to swarmplane_hub;
grant delete, insert, update on swarmplane.node_label to swarmplane_operator;
grant select on swarmplane.node_label to swarmplane_reader;

create table swarmplane.node_wish (
  id bigint not null generated always as identity,
  node_id integer not null,
  wish text not null,
  reason text,
  wished_by name not null default SESSION_USER,
  wished_at timestamp with time zone not null default now(),
  constraint node_wish_pkey PRIMARY KEY (id),
  constraint wish_is_known CHECK ((wish = ANY (ARRAY['forget'::text, 'retire'::text, 'unretire'::text])))
); -- owner swarmplane_owner
alter table swarmplane.node_wish enable row level security;
create policy by_label on swarmplane.node_wish for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));

create table swarmplane.request (
  id bigint not null generated always as identity,
  sql text,
  action text,
  args jsonb,
  hosts text[] default '{*}'::text[],
  include_new boolean not null default false,
  wait_for_away boolean not null default true,
  priority smallint not null default 0,
  expires_in interval,
  idempotency_key text,
  reason text,
  asked_by name not null default SESSION_USER,
  asked_at timestamp with time zone not null default now(),
  cancel boolean not null default false,
  expires_at timestamp with time zone,
  targets integer not null default 0,
  pending integer not null default 0,
  running integer not null default 0,
  ok integer not null default 0,
  failed integer not null default 0,
  refused integer not null default 0,
  expired integer not null default 0,
  unreachable integer not null default 0,
  cancelled integer not null default 0,
  state text not null generated always as (
CASE
    WHEN (targets = 0) THEN 'new'::text
    WHEN ((pending + running) > 0) THEN 'open'::text
    ELSE 'done'::text
END) stored,
  closed_at timestamp with time zone,
  schedule_id bigint,
  tick timestamp with time zone,
  command_key uuid,
  labels jsonb,
  access_label text[],
  site text[],
  desired_id bigint,
  constraint counts_add_up CHECK ((targets = (((((((pending + running) + ok) + failed) + refused) + expired) + unreachable) + cancelled))),
  constraint counts_are_not_negative CHECK ((LEAST(pending, running, ok, failed, refused, expired, unreachable, cancelled) >= 0)),
  constraint request_pkey PRIMARY KEY (id),
  constraint request_schedule_id_fkey FOREIGN KEY (schedule_id) REFERENCES swarmplane.schedule(id) ON DELETE SET NULL
) with (fillfactor=80, autovacuum_vacuum_scale_factor=0.02); -- owner swarmplane_owner
CREATE UNIQUE INDEX idempotency_key_is_used_once ON swarmplane.request USING btree (asked_by, idempotency_key) WHERE (idempotency_key IS NOT NULL);
CREATE UNIQUE INDEX one_request_per_tick ON swarmplane.request USING btree (schedule_id, tick) WHERE (schedule_id IS NOT NULL);
CREATE INDEX request_action_open ON swarmplane.request USING btree (action) WHERE ((action IS NOT NULL) AND (closed_at IS NULL));
CREATE INDEX request_asked_at ON swarmplane.request USING btree (asked_at);
CREATE INDEX request_cancelling ON swarmplane.request USING btree (id) WHERE (cancel AND (closed_at IS NULL));
CREATE INDEX request_commands ON swarmplane.request USING btree (action) WHERE ((closed_at IS NULL) AND (action IS NOT NULL));
CREATE INDEX request_desired ON swarmplane.request USING btree (desired_id, closed_at) WHERE (desired_id IS NOT NULL);
CREATE INDEX request_open ON swarmplane.request USING btree (expires_at) WHERE (closed_at IS NULL);
CREATE INDEX request_open_by ON swarmplane.request USING btree (asked_by) WHERE (closed_at IS NULL);
CREATE TRIGGER _100_check BEFORE INSERT ON swarmplane.request FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_request__before_insert();
CREATE TRIGGER _500_deliver AFTER INSERT ON swarmplane.request FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_request__after_insert();
CREATE TRIGGER _600_check_open AFTER INSERT ON swarmplane.request FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_request__check_open();
CREATE TRIGGER _600_commander AFTER INSERT ON swarmplane.request FOR EACH ROW WHEN ((new.action IS NOT NULL)) EXECUTE FUNCTION swarmplane.tg_request__after_insert_action();
CREATE TRIGGER _700_audit AFTER INSERT ON swarmplane.request FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('request');
CREATE TRIGGER _900_notify AFTER INSERT ON swarmplane.request FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_notify();
CREATE TRIGGER _920_notify_desired AFTER UPDATE OF closed_at ON swarmplane.request FOR EACH ROW WHEN (((new.desired_id IS NOT NULL) AND (new.closed_at IS NOT NULL) AND (old.closed_at IS NULL))) EXECUTE FUNCTION swarmplane.tg_notify();
CREATE TRIGGER _920_notify_done AFTER UPDATE ON swarmplane.request FOR EACH ROW WHEN (((old.closed_at IS NULL) AND (new.closed_at IS NOT NULL))) EXECUTE FUNCTION swarmplane.tg_request__notify_done();
alter table swarmplane.request enable row level security;
create policy asker_or_delivery on swarmplane.request for select to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (asked_by = SESSION_USER) OR (EXISTS ( SELECT
   FROM swarmplane.delivery d
  WHERE (d.request_id = request.id))) OR (EXISTS ( SELECT
   FROM swarmplane.delivery_done e
  WHERE (e.request_id = request.id))));
create policy everybody_inserts on swarmplane.request for insert to public with check true;
grant select on swarmplane.request to swarmplane_hub;
grant select on swarmplane.request to swarmplane_reader;
grant insert (sql, hosts, include_new, wait_for_away, priority, expires_in, idempotency_key, reason, labels, access_label, site) on swarmplane.request to swarmplane_asker;
grant insert (action, args) on swarmplane.request to swarmplane_operator;

create table swarmplane.result (
  node_id integer not null,
  request_id bigint not null,
  asked_at timestamp with time zone not null,
  ordinal integer not null,
  host text not null,
  "row" jsonb not null,
  altered boolean not null default false,
  sensitive boolean not null default false,
  constraint result_pkey PRIMARY KEY (node_id, request_id, asked_at, ordinal)
) partition by RANGE (asked_at); -- owner swarmplane_owner
CREATE INDEX result_request ON ONLY swarmplane.result USING btree (request_id);
alter table swarmplane.result enable row level security;
create policy by_label on swarmplane.result for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
create policy sensitive_apart on swarmplane.result for all to public using ((NOT sensitive) OR ( SELECT swarmplane.reads_sensitive() AS reads_sensitive));
grant select on swarmplane.result to swarmplane_hub;
grant select on swarmplane.result to swarmplane_reader;

create table swarmplane.schedule (
  id bigint not null generated always as identity,
  name text not null,
  sql text,
  hosts text[] default '{*}'::text[],
  every interval,
  cron text,
  zone text not null default 'UTC'::text,
  expires_in interval,
  priority smallint not null default 0,
  catch_up integer not null default 1,
  active boolean not null default true,
  owner name not null default SESSION_USER,
  next_at timestamp with time zone,
  last_at timestamp with time zone,
  last_request bigint,
  last_error text,
  labels jsonb,
  access_label text[],
  site text[],
  action text,
  args jsonb,
  command_key uuid,
  described jsonb,
  described_at timestamp with time zone,
  constraint args_go_with_an_action CHECK (((action IS NOT NULL) OR (args IS NULL))),
  constraint catch_up_is_bounded CHECK (((catch_up >= 1) AND (catch_up <= 100))),
  constraint every_counts_no_months CHECK (((EXTRACT(month FROM every) = (0)::numeric) AND (EXTRACT(year FROM every) = (0)::numeric))),
  constraint every_is_a_second_or_more CHECK ((every >= '00:00:01'::interval)),
  constraint every_or_cron CHECK ((num_nonnulls(every, cron) = 1)),
  constraint name_is_not_empty CHECK ((name <> ''::text)),
  constraint name_is_unique UNIQUE (name),
  constraint one_selector CHECK ((num_nonnulls(hosts, labels, access_label, site) = 1)),
  constraint schedule_pkey PRIMARY KEY (id),
  constraint sql_or_action CHECK ((num_nonnulls(sql, action) = 1))
); -- owner swarmplane_owner
CREATE INDEX schedule_due ON swarmplane.schedule USING btree (next_at) WHERE active;
CREATE TRIGGER _100_check BEFORE INSERT OR UPDATE OF name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active ON swarmplane.schedule FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_schedule__before_write();
CREATE TRIGGER _100_check_delete BEFORE DELETE ON swarmplane.schedule FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_schedule__before_delete();
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.schedule FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.schedule enable always trigger _101_refuse_truncate;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE OF name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active ON swarmplane.schedule FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('schedule');
CREATE TRIGGER _900_notify AFTER INSERT OR UPDATE OF every, cron, zone, active ON swarmplane.schedule FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_notify();
grant select on swarmplane.schedule to swarmplane_hub;
grant delete on swarmplane.schedule to swarmplane_operator;
grant select on swarmplane.schedule to swarmplane_reader;
grant insert (name, sql, hosts, every, cron, zone, expires_in, priority, catch_up, active, labels, access_label, site, action, args) on swarmplane.schedule to swarmplane_operator;
grant update (name, sql, hosts, every, cron, zone, expires_in, priority, catch_up, active, labels, access_label, site, action, args) on swarmplane.schedule to swarmplane_operator;

create table swarmplane.setting (
  name text not null,
  value text not null,
  kind text not null,
  description text not null,
  "least" text,
  most text,
  may_be_forever boolean not null default false,
  constraint kind_is_known CHECK ((kind = ANY (ARRAY['interval'::text, 'integer'::text]))),
  constraint setting_pkey PRIMARY KEY (name)
); -- owner swarmplane_owner
CREATE TRIGGER _100_check BEFORE INSERT OR UPDATE ON swarmplane.setting FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_setting__before_write();
alter table swarmplane.setting enable always trigger _100_check;
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.setting FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.setting enable always trigger _101_refuse_truncate;
CREATE TRIGGER _110_refuse_delete BEFORE DELETE ON swarmplane.setting FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_setting__before_delete();
alter table swarmplane.setting enable always trigger _110_refuse_delete;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.setting FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('setting');
grant select on swarmplane.setting to swarmplane_hub;
grant select on swarmplane.setting to swarmplane_reader;
grant update (value) on swarmplane.setting to swarmplane_operator;

create table swarmplane.shape_source (
  shape_id integer not null,
  declared_by integer not null,
  columns integer not null,
  constraint shape_source_declared_by_fkey FOREIGN KEY (declared_by) REFERENCES swarmplane.node(id) ON DELETE CASCADE,
  constraint shape_source_pkey PRIMARY KEY (shape_id),
  constraint shape_source_shape_id_fkey FOREIGN KEY (shape_id) REFERENCES swarmplane.table_shape(id) ON DELETE CASCADE
); -- owner swarmplane_owner
CREATE INDEX shape_source_declared_by_idx ON swarmplane.shape_source USING btree (declared_by);

create table swarmplane.sql_file (
  name text not null,
  checksum text not null,
  release text not null,
  applied_at timestamp with time zone not null default now(),
  constraint sql_file_pkey PRIMARY KEY (name)
); -- owner swarmplane
grant select on swarmplane.sql_file to swarmplane_hub;

create table swarmplane.swarm (
  id text not null,
  since timestamp with time zone not null default now(),
  constraint id_is_64_hex_digits CHECK ((id ~ '^[0-9a-f]{64}$'::text)),
  constraint swarm_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE UNIQUE INDEX one_swarm ON swarmplane.swarm USING btree ((true));
grant select on swarmplane.swarm to swarmplane_hub;
grant select on swarmplane.swarm to swarmplane_reader;

create table swarmplane.table_shape (
  id integer not null generated always as identity,
  table_name text not null,
  hash bytea not null,
  columns jsonb not null,
  key text[] not null,
  first_seen timestamp with time zone not null default now(),
  query text,
  constraint hash_is_sha256 CHECK ((octet_length(hash) = 32)),
  constraint one_row_per_shape UNIQUE (table_name, hash),
  constraint table_shape_pkey PRIMARY KEY (id),
  constraint table_shape_table_name_fkey FOREIGN KEY (table_name) REFERENCES swarmplane.tracked_table(name)
); -- owner swarmplane_owner
grant select on swarmplane.table_shape to swarmplane_hub;
grant select on swarmplane.table_shape to swarmplane_reader;

create table swarmplane.taking (
  at timestamp with time zone not null,
  host_at timestamp with time zone not null,
  received_at timestamp with time zone not null default now(),
  sequence bigint not null,
  node_id integer not null,
  key_version integer,
  shape integer,
  rows integer,
  table_name text not null,
  kind text not null,
  line bytea not null,
  base bytea,
  hash bytea,
  signature bytea,
  reason_code text,
  reason text,
  dropped_from bigint,
  dropped_to bigint,
  constraint a_gap_has_a_reason CHECK (((kind = 'gap'::text) = (reason IS NOT NULL))),
  constraint a_state_is_signed CHECK (((kind = 'gap'::text) OR (num_nulls(signature, key_version, hash, shape) = 0))),
  constraint kind_is_known CHECK ((kind = ANY (ARRAY['full'::text, 'delta'::text, 'same'::text, 'gap'::text]))),
  constraint line_is_16_bytes CHECK ((octet_length(line) = 16)),
  constraint taking_pkey PRIMARY KEY (node_id, table_name, at, line, sequence)
) partition by RANGE (at); -- owner swarmplane_owner
CREATE INDEX taking_change_at ON ONLY swarmplane.taking USING btree (at) WHERE (kind = ANY (ARRAY['full'::text, 'delta'::text]));
CREATE INDEX taking_change_node ON ONLY swarmplane.taking USING btree (node_id, at) WHERE (kind = ANY (ARRAY['full'::text, 'delta'::text]));
CREATE INDEX taking_change_table ON ONLY swarmplane.taking USING btree (table_name, at) WHERE (kind = ANY (ARRAY['full'::text, 'delta'::text]));
CREATE INDEX taking_gap ON ONLY swarmplane.taking USING btree (node_id, table_name, at) WHERE (kind = 'gap'::text);
alter table swarmplane.taking enable row level security;
create policy by_label on swarmplane.taking for all to public using (( SELECT swarmplane.sees_all() AS sees_all) OR (node_id = ANY (( SELECT swarmplane.visible_nodes() AS visible_nodes)::integer[])));
grant select on swarmplane.taking to swarmplane_hub;
grant select on swarmplane.taking to swarmplane_reader;

create table swarmplane.track_wish (
  id bigint not null generated always as identity,
  table_name text not null,
  every interval not null,
  hosts text[],
  labels jsonb,
  owner name not null default SESSION_USER,
  wished_at timestamp with time zone not null default now(),
  fleet boolean not null default true,
  access_label text[],
  site text[],
  constraint every_is_a_month_at_most CHECK ((every <= '31 days'::interval)),
  constraint every_is_ten_seconds_or_more CHECK ((every >= '00:00:10'::interval)),
  constraint labels_are_an_object CHECK ((jsonb_typeof(labels) = 'object'::text)),
  constraint one_selector CHECK ((num_nonnulls(hosts, labels, access_label, site) = 1)),
  constraint one_wish_per_target_and_owner UNIQUE NULLS NOT DISTINCT (table_name, hosts, labels, access_label, site, owner),
  constraint table_name_is_not_empty CHECK ((table_name <> ''::text)),
  constraint track_wish_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.track_wish FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.track_wish enable always trigger _101_refuse_truncate;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE ON swarmplane.track_wish FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('track_wish');
grant select on swarmplane.track_wish to swarmplane_hub;
grant select on swarmplane.track_wish to swarmplane_reader;

create table swarmplane.tracked_query (
  name text not null,
  sql text not null,
  key text[] not null,
  owner name not null default SESSION_USER,
  declared_at timestamp with time zone not null default now(),
  described jsonb,
  described_at timestamp with time zone,
  told jsonb,
  sensitive boolean not null default false,
  constraint name_fits CHECK ((name ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
  constraint sql_is_short CHECK (((octet_length(sql) >= 1) AND (octet_length(sql) <= 8192))),
  constraint tracked_query_pkey PRIMARY KEY (name)
); -- owner swarmplane_owner
CREATE TRIGGER _101_refuse_truncate BEFORE TRUNCATE ON swarmplane.tracked_query FOR EACH STATEMENT EXECUTE FUNCTION swarmplane.tg_refuse_truncate();
alter table swarmplane.tracked_query enable always trigger _101_refuse_truncate;
CREATE TRIGGER _700_audit AFTER INSERT OR DELETE OR UPDATE OF name, sql, key ON swarmplane.tracked_query FOR EACH ROW EXECUTE FUNCTION swarmplane.tg_audit('tracked_query');
grant select on swarmplane.tracked_query to swarmplane_hub;
grant select on swarmplane.tracked_query to swarmplane_reader;

create table swarmplane.tracked_table (
  name text not null,
  columns jsonb not null,
  key text[] not null,
  made_at timestamp with time zone not null default now(),
  kept_since timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint tracked_table_pkey PRIMARY KEY (name)
); -- owner swarmplane_owner
grant select on swarmplane.tracked_table to swarmplane_hub;
grant select on swarmplane.tracked_table to swarmplane_reader;

create table swarmplane.turn_wish (
  id bigint not null generated always as identity,
  constraint turn_wish_pkey PRIMARY KEY (id)
); -- owner swarmplane_owner

create table swarmplane.wish_list (
  version bigint not null,
  tables jsonb not null,
  constraint wish_list_pkey PRIMARY KEY (version)
); -- owner swarmplane_owner

create view inventory.changes with (security_invoker=true) as .. -- owner swarmplane_owner
--   host text
--   "table" text
--   at timestamp with time zone
--   change text
--   key jsonb
--   before jsonb
--   after jsonb
--   node_id integer
grant select on inventory.changes to swarmplane_hub;
grant select on inventory.changes to swarmplane_reader;

create view inventory.overlap with (security_invoker=true) as .. -- owner swarmplane_owner
--   node_id integer
--   "table" text
--   row_hash bytea
--   valid_from timestamp with time zone
--   valid_to timestamp with time zone
grant select on inventory.overlap to swarmplane_hub;
grant select on inventory.overlap to swarmplane_reader;

create view inventory.sensitive_changes with (security_invoker=true) as .. -- owner swarmplane_owner
--   host text
--   "table" text
--   at timestamp with time zone
--   change text
--   key jsonb
--   before jsonb
--   after jsonb
--   node_id integer
grant select on inventory.sensitive_changes to swarmplane_hub;
grant select on inventory.sensitive_changes to swarmplane_sensitive;

create view inventory.sensitive_overlap with (security_invoker=true) as .. -- owner swarmplane_owner
--   node_id integer
--   "table" text
--   row_hash bytea
--   valid_from timestamp with time zone
--   valid_to timestamp with time zone
grant select on inventory.sensitive_overlap to swarmplane_hub;
grant select on inventory.sensitive_overlap to swarmplane_sensitive;

create view swarmplane.answer with (security_invoker=true) as .. -- owner swarmplane_owner
--   host text
--   "row" json
grant select on swarmplane.answer to swarmplane_hub;
grant select on swarmplane.answer to swarmplane_reader;

create view swarmplane.count_fault with (security_invoker=true) as .. -- owner swarmplane_owner
--   request_id bigint
--   targets integer
--   pending integer
--   running integer
--   found_pending bigint
--   found_running bigint
--   found_ended bigint
grant select on swarmplane.count_fault to swarmplane_hub;
grant select on swarmplane.count_fault to swarmplane_reader;

create view swarmplane.desired_host_status with (security_invoker=true) as .. -- owner swarmplane_owner
--   name text
--   host text
--   state text
--   since timestamp with time zone
--   why jsonb
--   args jsonb
--   tries integer
--   retry_at timestamp with time zone
--   checked_at timestamp with time zone
--   acted_at timestamp with time zone
--   request_id bigint
--   error text
--   node text
--   node_id integer
grant select on swarmplane.desired_host_status to swarmplane_hub;
grant select on swarmplane.desired_host_status to swarmplane_reader;

create view swarmplane.desired_status with (security_invoker=true) as .. -- owner swarmplane_owner
--   name text
--   state text
--   hosts bigint
--   ok bigint
--   wrong bigint
--   acting bigint
--   stuck bigint
--   unknown bigint
--   away bigint
--   action text
--   dry_run boolean
--   version integer
--   owner name
--   stopped_why text
--   waits_since timestamp with time zone
--   last_error text
--   description text
--   resolution text
grant select on swarmplane.desired_status to swarmplane_hub;
grant select on swarmplane.desired_status to swarmplane_reader;

create view swarmplane.gap with (security_invoker=true) as .. -- owner swarmplane_owner
--   host text
--   "table" text
--   since timestamp with time zone
--   until timestamp with time zone
--   at timestamp with time zone
--   reason text
--   takings_lost bigint
--   node_id integer
grant select on swarmplane.gap to swarmplane_hub;
grant select on swarmplane.gap to swarmplane_reader;

create view swarmplane.policy_status with (security_invoker=true) as .. -- owner swarmplane_owner
--   name text
--   state text
--   passed bigint
--   failed bigint
--   unknown bigint
--   hosts bigint
--   percent numeric
--   description text
--   resolution text
--   last_error text
grant select on swarmplane.policy_status to swarmplane_hub;
grant select on swarmplane.policy_status to swarmplane_reader;

create view swarmplane.request_status with (security_invoker=true) as .. -- owner swarmplane_owner
--   request_id bigint
--   host text
--   state text
--   rows integer
--   ms integer
--   error text
--   code text
--   truncated boolean
--   attempt integer
--   run_at timestamp with time zone
--   ended_at timestamp with time zone
--   node_id integer
--   columns text[]
grant select on swarmplane.request_status to swarmplane_hub;
grant select on swarmplane.request_status to swarmplane_reader;

create view swarmplane.site_host with (security_invoker=true) as .. -- owner swarmplane_owner
--   site text
--   network text
--   host text
--   address text
--   state text
grant select on swarmplane.site_host to swarmplane_hub;
grant select on swarmplane.site_host to swarmplane_reader;

create view swarmplane.tracked with (security_invoker=true) as .. -- owner swarmplane_owner
--   host text
--   "table" text
--   rows integer
--   first_at timestamp with time zone
--   seen_at timestamp with time zone
--   changed_at timestamp with time zone
--   missing text
--   node_id integer
grant select on swarmplane.tracked to swarmplane_hub;
grant select on swarmplane.tracked to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.account(of_request bigint)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.account(bigint) to swarmplane_hub;
grant execute on function swarmplane.account(bigint) to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.acknowledge(alert bigint, why text DEFAULT ''::text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.acknowledge(bigint,text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.acting_role()
 RETURNS name
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.add_new_targets()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.address_ip(address text)
 RETURNS inet
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.address_port(address text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.adopt_swarm(swarm_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.adopt_swarm(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.alert_no_commander(action text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.alert_outside_addresses()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.alert_retired()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.allowed_actions()
 RETURNS text[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.allows(actions text[], action text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.approve(desired_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.approve(text) to swarmplane_operator;

CREATE OR REPLACE PROCEDURE swarmplane.ask(IN sql text, IN hosts text[] DEFAULT '{*}'::text[], IN timeout interval DEFAULT '00:00:30'::interval)
 LANGUAGE plpgsql
as .. -- owner swarmplane_owner
grant execute on function swarmplane.ask(text,text[],interval) to swarmplane_asker;

CREATE OR REPLACE FUNCTION swarmplane.ask_checks(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.audit_hash(entry swarmplane.audit)
 RETURNS bytea
 LANGUAGE sql
 STABLE
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.away_after(labels jsonb)
 RETURNS interval
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.backoff(attempt integer)
 RETURNS interval
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.begin_backup(hub text, name text, every interval, folder text, keep integer, verify boolean, lease interval, OUT id bigint, OUT wait double precision)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.begin_backup(text,text,interval,text,integer,boolean,interval) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.begin_checkpoint(hub text)
 RETURNS SETOF swarmplane.audit_seal
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.begin_checkpoint(text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.begin_seal(hub text, most integer DEFAULT 5000, afresh boolean DEFAULT false)
 RETURNS SETOF swarmplane.audit_seal
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.begin_seal(text,integer,boolean) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.bounds_text(setting swarmplane.setting)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.cancel(request_id bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.cancel(bigint) to swarmplane_asker;

CREATE OR REPLACE FUNCTION swarmplane.cancel_of_gone()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.cancel_words(asked_by name)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.cancelled_leases(tokens uuid[])
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.cancelled_leases(uuid[]) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.changes_text(listed text, changes text, condition text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_action_hosts(action text, hosts text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_after(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_cron(cron text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_desired(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_desired_times(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_inventory_names(host_table text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_priority(priority integer)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_room_for_queries()
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_row_name(name text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_scheduled(due swarmplane.schedule)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_selector(hosts text[], labels jsonb, access_label text[], site text[])
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_shape_share(host swarmplane.node, table_name text, added integer)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_tracked_query(name text, sql text, key text[])
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.check_zone(zone text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.checked_args(action text, args jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.checked_for()
 RETURNS name
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.claim(hub uuid, most integer, actions text[] DEFAULT '{}'::text[], asks_only boolean DEFAULT false)
 RETURNS TABLE(token uuid, request_id bigint, sql text, action text, args jsonb, asked_by text, wait_for_away boolean, whole_swarm boolean, remaining_ms double precision, deliveries json, more boolean, sensitive boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.claim(uuid,integer,text[],boolean) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.claim_alert_event(lease interval)
 RETURNS jsonb
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.claim_alert_event(interval) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.claim_handovers(most integer)
 RETURNS TABLE(identity text, version bigint, wish jsonb, told boolean, acks jsonb)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.claim_handovers(integer) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.column_type(declared text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.command_id(key uuid, node_identity text)
 RETURNS uuid
 LANGUAGE sql
 STABLE STRICT
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.compact_history(older_than interval DEFAULT NULL::interval)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.compact_history(interval) to swarmplane_hub;
grant execute on function swarmplane.compact_history(interval) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.complete(lease_token uuid, outcomes jsonb)
 RETURNS TABLE(delivery uuid, became text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.complete(uuid,jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.contested_names()
 RETURNS TABLE(name text, claimers text[])
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.converge(desired_id bigint)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.converge(bigint) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.count_tries(d swarmplane.desired)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.create_tracked(host_table text, host_key text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.cron_month(said text)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.days_of(said text)
 RETURNS integer[]
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.departed()
 RETURNS TABLE(identity text, incarnation bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.departed() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.describe(of text, name text, sql text, described jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.describe(text,text,text,jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.drop_old_desired_events()
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.drop_old_history()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.drop_old_history() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.drop_old_partition()
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.drop_old_partition() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.drop_schedule_view(schedule text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.drop_sealed_audit()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.drop_sealed_audit() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.due_crons()
 RETURNS TABLE(id bigint, cron text, zone text, next_at text, catch_up integer)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.due_crons() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.due_desired()
 RETURNS bigint[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.due_desired() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.due_in(of_lane text, asks_only boolean, hold boolean, past bigint[], OUT request_id bigint, OUT priority integer, OUT run_at timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.encoding_text(type text, value text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_alert_event(event_id bigint, trouble text DEFAULT NULL::text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.end_alert_event(bigint,text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.end_backup(id bigint, outcome jsonb)
 RETURNS TABLE(old_id bigint, old_file text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.end_backup(bigint,jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.end_departed(of_request bigint)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_host_away(still_away text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "IntervalStyle" TO 'postgres'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_mutes(kinds text[], keys text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_old_mutes()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_unreported()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.end_waiting(of_request bigint, verdict text, because text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.ending_text(shape swarmplane.table_shape)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.enter_swarm(swarm_id text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.enter_swarm(text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.event_text(tracked swarmplane.tracked_table)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.extend_tracked(host_table text, wanted jsonb, wanted_key text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.field(part bytea)
 RETURNS bytea
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.filled(args jsonb, "row" jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.find_check(view text, writer name)
 RETURNS regclass
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_checker
grant execute on function swarmplane.find_check(text,name) to swarmplane_owner;

CREATE OR REPLACE FUNCTION swarmplane.finish_seal(number bigint, head bytea, key_version bigint)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.finish_seal(bigint,bytea,bigint) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.first_due(of_lane text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.fits(value text, type text)
 RETURNS boolean
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.fits(text,text) to swarmplane_hub;
grant execute on function swarmplane.fits(text,text) to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.forget(host text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.forget(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.forget_alert_events(most integer DEFAULT 10000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.forget_backup_plan(hub text)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.forget_backup_plan(text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.forget_ended_rows()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.free_members(members jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '200ms'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.give_back(lease_token uuid)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.give_back(uuid) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.grant_command(action text)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.guard_by_label(schema_name text, table_name text, node_column text DEFAULT 'node_id'::text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.guard_tracked(host_table text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.hand_out_anew()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.hand_out_inventory(readers name, name text, kind text, signature text, says text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.hand_to(readers name, privilege text, object text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.handover_period(wish jsonb, node_id integer)
 RETURNS interval
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.heartbeat(hub_id uuid, tokens uuid[], OUT active boolean, OUT kept uuid[])
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.heartbeat(uuid,uuid[]) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.held_desired(desired_name text)
 RETURNS swarmplane.desired
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.hold_latch(latch_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.holds_place(h swarmplane.desired_host, d swarmplane.desired)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.hub_goodbye(hub_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.hub_goodbye(uuid) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.hub_hello(hub_identity text, hub_name text, hub_version text, hub_process integer)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.hub_hello(text,text,text,integer) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.in_order("row" jsonb, columns text[])
 RETURNS json
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.in_order(jsonb,text[]) to swarmplane_hub;
grant execute on function swarmplane.in_order(jsonb,text[]) to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.in_window(windows text, zone text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.index_tracked(host_table text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.ingest(node_identity text, batch jsonb)
 RETURNS TABLE(table_name text, line text, sequence bigint, hash text, taken integer, became text, why text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.ingest(text,jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.inventory_as_of_text(host_table text, listed text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.inventory_changes_at_text(tracked swarmplane.tracked_table)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.inventory_changes_text(tracked swarmplane.tracked_table)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.inventory_diff_text(tracked swarmplane.tracked_table)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.inventory_view_text(host_table text, listed text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.ip(address text)
 RETURNS inet
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.ip(text) to swarmplane_hub;
grant execute on function swarmplane.ip(text) to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.is_frozen(n swarmplane.node)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.is_outside(ip inet)
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.is_selected(host swarmplane.node, hosts text[], labels jsonb, access_label text[], site text[])
 RETURNS boolean
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.judge_answers(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.judge_hosts(d swarmplane.desired)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.judge_view(d swarmplane.desired, view regclass)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.judged(lease_token uuid, of_request bigint, outcomes jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.keep_alert(kind text, key text, message text, severity text DEFAULT 'warning'::text, detail jsonb DEFAULT '{}'::jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.last_request()
 RETURNS bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.last_request() to swarmplane_hub;
grant execute on function swarmplane.last_request() to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.limit_waits()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.locked_head(host swarmplane.node, host_table text)
 RETURNS swarmplane.head
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.look_after_alerts()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.look_after_alerts() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.look_after_backups()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.look_after_hosts()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.look_again(desired_ids bigint[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.look_for_departed()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_history_partitions()
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_inventory(host_table text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_inventory_union(prefix text, readers name, tables text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_inventory_unions()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_month_partition(schema_name text, parent text, at timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "DateStyle" TO 'ISO'
 SET "TimeZone" TO 'UTC'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_partitions(ahead interval DEFAULT '21 days'::interval)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.make_partitions(interval) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.make_partitions_of(parent text, step text, first_at timestamp with time zone, last_at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "DateStyle" TO 'ISO'
 SET "TimeZone" TO 'UTC'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_tracked(host_table text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_tracked_query(declared swarmplane.tracked_query, described jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.make_writer(shape swarmplane.table_shape)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.may_ask(login name, action text)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.may_cancel(asked swarmplane.request)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.mend_clock(jumped boolean DEFAULT true)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.mend_clock(boolean) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.micros(at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
as .. -- owner swarmplane_owner
grant execute on function swarmplane.micros(timestamp with time zone) to swarmplane_auditor;
grant execute on function swarmplane.micros(timestamp with time zone) to swarmplane_hub;
grant execute on function swarmplane.micros(timestamp with time zone) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.minute_text(at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.missing_columns(known jsonb, wanted jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.mute(alert bigint, until timestamp with time zone, why text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.mute(bigint,timestamp with time zone,text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.never_ran(state text, code text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.newest_backup(verify boolean)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.next_desired()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.next_desired() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.next_due(actions text[] DEFAULT '{}'::text[])
 RETURNS double precision
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET enable_bitmapscan TO 'off'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.next_due(text[]) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.next_handover()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.next_handover() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.next_look(d swarmplane.desired, began timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.next_tick()
 RETURNS double precision
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.next_tick() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.node_meant(host text, retired boolean DEFAULT false)
 RETURNS swarmplane.node
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.nodes_visible_to(asker name)
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_clock(host text, clock_off interval, tolerance interval)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "IntervalStyle" TO 'postgres'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_ended_actions(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_gap(head swarmplane.head, t swarmplane.taking)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_handovers(answers jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.note_handovers(jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.note_outcomes(of_request bigint, judged jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_removed_backup(id bigint)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.note_removed_backup(bigint) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.note_shapes(host swarmplane.node, shapes jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_taking(host swarmplane.node, head swarmplane.head, t swarmplane.taking)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_targets(d swarmplane.desired)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.note_vitals(answers jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "IntervalStyle" TO 'postgres'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.open_alert(id bigint)
 RETURNS swarmplane.alert
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.out_of_order(host swarmplane.node, head swarmplane.head, t swarmplane.taking, whole boolean, asked_line bytea)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.out_words(state text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.owner_trouble(d swarmplane.desired)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.paired_text(tracked swarmplane.tracked_table, events text, apart text[])
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.partition_ends()
 RETURNS TABLE(parent text, part text, ends timestamp with time zone)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.pass_over_contested(d swarmplane.desired)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.place_of(priority smallint, wait_for_away boolean)
 RETURNS smallint
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.policy_share(desired_name text, since timestamp with time zone DEFAULT (now() - '30 days'::interval), step interval DEFAULT '1 day'::interval)
 RETURNS TABLE(at timestamp with time zone, hosts bigint, passed bigint, percent numeric)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.policy_share(text,timestamp with time zone,interval) to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.put_back(lease_token uuid, judged jsonb)
 RETURNS TABLE(delivery uuid, became text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.put_off(desired_id bigint, why text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.put_off(bigint,text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.queue_facts()
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.queue_facts() to swarmplane_hub;
grant execute on function swarmplane.queue_facts() to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.raise_alert(kind text, key text, message text, severity text DEFAULT 'warning'::text, detail jsonb DEFAULT '{}'::jsonb, times integer DEFAULT 1)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.raise_alert(text,text,text,text,jsonb,integer) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.raise_sequences()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.raise_sequences() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.read_check(view regclass)
 RETURNS TABLE(host text, "row" jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_checker
grant execute on function swarmplane.read_check(regclass) to swarmplane_owner;

CREATE OR REPLACE FUNCTION swarmplane.read_taking(host swarmplane.node, taking jsonb)
 RETURNS swarmplane.taking
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.reader_text(type text, place bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.readers_of(host_table text)
 RETURNS name
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.reads_sensitive()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.reads_sensitive() to swarmplane_hub;
grant execute on function swarmplane.reads_sensitive() to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.reads_sensitive(login name)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.reap_lease(lease_token uuid, because text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '200ms'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.recheck(desired_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.recheck(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.refuse_present(host swarmplane.node, verb text)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.refuse_truncate(guarded regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.renew_backup(id bigint, lease interval)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.renew_backup(bigint,interval) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.report_actions(hub_id uuid, hub_actions text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.report_actions(uuid,text[]) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.report_addresses(members jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.report_drift(changes jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.report_drift(jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.report_host_tables(tables jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.report_host_tables(jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.report_keys(entries jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.report_keys(jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.report_nodes(members jsonb)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.report_nodes(jsonb) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.require_fleet(what text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.require_owner(kind text, name text, owner name)
 RETURNS void
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.resolve_alerts(kinds text[], keys text[])
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.resolve_alerts(text[],text[]) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.resolve_alerts_of_departed()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.resolve_hosts(hosts text[], visible integer[])
 RETURNS SETOF integer
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.resume(desired_name text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.resume(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.retire(host text, reason text DEFAULT NULL::text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.retire(text,text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.room(d swarmplane.desired, OUT free integer, OUT held boolean)
 RETURNS record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.says_same_gap(one swarmplane.taking, other swarmplane.taking)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.schedule_view(schedule text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.schedule_view(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.schedule_view_name(schedule text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.schedule_view_text(planned swarmplane.schedule, called text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.seal_hash(seal swarmplane.audit_seal)
 RETURNS bytea
 LANGUAGE sql
 STABLE
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.sealed_ids(after_id bigint)
 RETURNS SETOF bigint
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.sees_all()
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.sees_all() to swarmplane_hub;
grant execute on function swarmplane.sees_all() to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.selected_hosts(hosts text[], labels jsonb, access_label text[], site text[], visible integer[])
 RETURNS text[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.selected_nodes(hosts text[], labels jsonb, access_label text[], site text[], visible integer[])
 RETURNS integer[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.selector_words(hosts text[], labels jsonb, access_label text[], site text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.setting_integer(setting_name text)
 RETURNS integer
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.setting_interval(setting_name text)
 RETURNS interval
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.shorten_gap(t swarmplane.taking)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.shown_columns(declared jsonb)
 RETURNS jsonb
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.site_of(of_node integer)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.spread_of(node swarmplane.node, label text)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.standing(node swarmplane.node)
 RETURNS text
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.state_after(known text, known_incarnation bigint, said text, incarnation bigint)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.stop_or_go(d swarmplane.desired)
 RETURNS swarmplane.desired
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.sweep(reap boolean DEFAULT true)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.sweep(boolean) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.sweep_departed()
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tables_of(view regclass)
 RETURNS text[]
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take(host swarmplane.node, taking jsonb, whole boolean, asked_line bytea)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_cancels()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_due(actions text[], asks_only boolean, past bigint[])
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_node_wish(wished swarmplane.node_wish, host swarmplane.node)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_node_wishes()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_turn_wishes()
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_turns(d swarmplane.desired)
 RETURNS swarmplane.desired
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.take_unchanged(host swarmplane.node, takings jsonb)
 RETURNS jsonb
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tell_joined(members jsonb)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tell_of_desired(d swarmplane.desired, trouble text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_alert__notify()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_alert__tell()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_audit()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "IntervalStyle" TO 'postgres'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_audit__before_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_audit__refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_audit_seal__refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_delivery__after_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_delivery__after_update()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_delivery_done__after_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_desired__after_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_desired__before_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_desired__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_desired_host__after_state()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_freeze__after_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_freeze__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_history__refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_label_grant__check()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_network__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_network__check_declared()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_node__before_back()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_node__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_node_address__check_declared()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_node_key__append_only()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_notify()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_refuse()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_refuse_truncate()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_request__after_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_request__after_insert_action()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_request__before_insert()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_request__check_open()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_request__notify_done()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_schedule__before_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_schedule__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_setting__before_delete()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tg_setting__before_write()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tick(schedule_id bigint, expected timestamp with time zone, ticks timestamp with time zone[], following timestamp with time zone, trouble text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.tick(bigint,timestamp with time zone,timestamp with time zone[],timestamp with time zone,text) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.tick_free(due swarmplane.schedule, targets text[], at timestamp with time zone, OUT hosts text[], OUT busy text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tick_intervals()
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.tick_intervals() to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.tick_key(schedule_key uuid, at timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.tick_targets(due swarmplane.schedule, OUT hosts text[], OUT gone text)
 RETURNS record
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.track(table_name text, every interval DEFAULT '01:00:00'::interval, hosts text[] DEFAULT NULL::text[], labels jsonb DEFAULT NULL::jsonb, access_label text[] DEFAULT NULL::text[], site text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.track(text,interval,text[],jsonb,text[],text[]) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.track_query(name text, sql text, every interval DEFAULT '01:00:00'::interval, key text[] DEFAULT '{}'::text[], hosts text[] DEFAULT NULL::text[], labels jsonb DEFAULT NULL::jsonb, access_label text[] DEFAULT NULL::text[], site text[] DEFAULT NULL::text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.track_query(text,text,interval,text[],text[],jsonb,text[],text[]) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.tracked_columns(host_table text)
 RETURNS TABLE(place bigint, name text, type text, called text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.try_latch(latch_name text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.undescribed(retry interval)
 RETURNS TABLE(of text, name text, sql text)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.undescribed(interval) to swarmplane_hub;

CREATE OR REPLACE FUNCTION swarmplane.unfilled(args jsonb, "row" jsonb)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.unmute(kind text, key text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET lock_timeout TO '1s'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.unmute(text,text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.unretire(host text)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.unretire(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.untrack(table_name text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.untrack(text) to swarmplane_operator;

CREATE OR REPLACE FUNCTION swarmplane.uuid_of(hash bytea)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.version_of(wanted jsonb, held bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.visible_nodes()
 RETURNS integer[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner
grant execute on function swarmplane.visible_nodes() to swarmplane_hub;
grant execute on function swarmplane.visible_nodes() to swarmplane_reader;

CREATE OR REPLACE FUNCTION swarmplane.waiting_actions()
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.waiting_hosts(d swarmplane.desired)
 RETURNS TABLE(node_id integer, identity text, args jsonb, fresh boolean, place bigint)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.waiting_lanes(actions text[])
 RETURNS SETOF text
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.wish_for_node(host swarmplane.node, wish text, after jsonb)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.wish_soon()
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.wish_track(table_name text, every interval, hosts text[], labels jsonb, access_label text[], site text[])
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.wishes_of(host swarmplane.node)
 RETURNS jsonb
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.withdraw_desired(desired_ids bigint[], actions_only boolean)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.within_bounds(setting swarmplane.setting)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
 SET "IntervalStyle" TO 'postgres'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.write_rows(t swarmplane.taking, taking jsonb, OUT hash bytea, OUT rows integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.writer_name(host_table text, shape integer)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

CREATE OR REPLACE FUNCTION swarmplane.writing_text(shape swarmplane.table_shape, is_gone text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'swarmplane', 'pg_temp'
as .. -- owner swarmplane_owner

alter default privileges for role swarmplane_owner: functions {swarmplane_owner=X/swarmplane_owner}
