-- Who may do what. Everything else belongs to swarmplane_owner alone.
set local role swarmplane_owner;

-- readers: answers and states, nothing of tokens and leases
grant select on swarmplane.node, swarmplane.node_address, swarmplane.hub, swarmplane.setting,
  swarmplane.host_table, swarmplane.request, swarmplane.result, swarmplane.alert, swarmplane.alert_mute,
  swarmplane.backup, swarmplane.backup_plan,
  swarmplane.request_status, swarmplane.answer, swarmplane.count_fault, swarmplane.schedule,
  swarmplane.network, swarmplane.site_host, swarmplane.node_label, swarmplane.label_grant,
  swarmplane.node_key, swarmplane.swarm
  to swarmplane_reader, swarmplane_hub;
grant select (id, request_id, node_id, state, priority, run_at, attempt, reached, claimed_at,
  last_code, last_error) on swarmplane.delivery to swarmplane_reader, swarmplane_hub;
grant select on swarmplane.delivery_done to swarmplane_reader, swarmplane_hub;
grant execute on function swarmplane.last_request(), swarmplane.account(bigint), swarmplane.in_order(jsonb, text[]),
  swarmplane.ip(text), swarmplane.fits(text, text)
  to swarmplane_reader, swarmplane_hub;
-- policies call these as whoever reads
grant execute on function swarmplane.visible_nodes(), swarmplane.sees_all(), swarmplane.reads_sensitive()
  to swarmplane_reader, swarmplane_hub;

-- askers: queries, and cancelling them
grant insert (sql, hosts, labels, access_label, site, include_new, wait_for_away, priority, expires_in, idempotency_key, reason)
  on swarmplane.request to swarmplane_asker;
grant execute on procedure swarmplane.ask(text, text[], interval) to swarmplane_asker;
grant execute on function swarmplane.cancel(bigint) to swarmplane_asker;

grant insert (name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active),
  update (name, sql, action, args, hosts, labels, access_label, site, every, cron, zone, expires_in, priority, catch_up, active),
  delete on swarmplane.schedule to swarmplane_operator;

-- desired state: written by operators, read by readers, carried out by hubs
grant select on swarmplane.desired, swarmplane.desired_host, swarmplane.desired_event, swarmplane.freeze,
  swarmplane.desired_status, swarmplane.desired_host_status, swarmplane.policy_status
  to swarmplane_reader, swarmplane_hub;
grant execute on function swarmplane.policy_share(text, timestamptz, interval) to swarmplane_reader;
grant insert (name, description, resolution, sql, view, action, args, hosts, labels, access_label, site, every, at_once,
    at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active),
  update (name, description, resolution, sql, view, action, args, hosts, labels, access_label, site, every, at_once,
    at_once_per, stop_after, tries, per, settle, expires_in, hold_after, windows, zone, after, dry_run, active),
  delete on swarmplane.desired to swarmplane_operator;
grant insert (reason, until, labels, site), update (reason, until), delete on swarmplane.freeze to swarmplane_operator;
grant execute on function swarmplane.approve(text), swarmplane.resume(text), swarmplane.recheck(text)
  to swarmplane_operator;
grant execute on function
  swarmplane.due_desired(),
  swarmplane.next_desired(),
  swarmplane.converge(bigint),
  swarmplane.put_off(bigint, text)
  to swarmplane_hub;

-- operators: actions, settings, the audit
grant insert (action, args) on swarmplane.request to swarmplane_operator;
grant insert (range, name, site), update (range, name, site), delete
  on swarmplane.network to swarmplane_operator;
grant insert (node_id, address, ip, port, declared), update (declared)
  on swarmplane.node_address to swarmplane_operator;
grant insert, update, delete on swarmplane.node_label to swarmplane_operator;
-- of those who see every host (sql/80-policy.sql)
grant insert, delete on swarmplane.label_grant to swarmplane_operator;
grant update (value) on swarmplane.setting to swarmplane_operator;
grant select on swarmplane.audit, swarmplane.audit_seal to swarmplane_operator, swarmplane_auditor;
grant execute on function swarmplane.micros(timestamptz)
  to swarmplane_operator, swarmplane_auditor, swarmplane_hub;
-- what hubs spread among the nodes
grant select (number, chain, hub, head) on swarmplane.audit_seal to swarmplane_hub;
grant execute on function swarmplane.queue_facts() to swarmplane_operator;
grant execute on function swarmplane.forget(text), swarmplane.retire(text, text), swarmplane.unretire(text),
  swarmplane.adopt_swarm(text)
  to swarmplane_operator;

-- history: read by readers, tracked by operators, written by hubs; 67-inventory.sql grants what it makes
grant select on swarmplane.track_wish, swarmplane.tracked_query, swarmplane.tracked_table, swarmplane.table_shape, swarmplane.head,
  swarmplane.taking, swarmplane.handover, swarmplane.tracked, swarmplane.gap_run, swarmplane.gap
  to swarmplane_reader, swarmplane_hub;
grant usage on schema inventory to swarmplane_reader, swarmplane_hub, swarmplane_sensitive;
grant execute on function
  swarmplane.track(text, interval, text[], jsonb, text[], text[]),
  swarmplane.acknowledge(bigint, text),
  swarmplane.mute(bigint, timestamptz, text),
  swarmplane.unmute(text, text),
  swarmplane.schedule_view(text),
  swarmplane.track_query(text, text, interval, text[], text[], jsonb, text[], text[]),
  swarmplane.untrack(text),
  swarmplane.compact_history(interval)
  to swarmplane_operator;
grant execute on function
  swarmplane.ingest(text, jsonb),
  swarmplane.claim_handovers(integer),
  swarmplane.note_handovers(jsonb),
  swarmplane.undescribed(interval),
  swarmplane.describe(text, text, text, jsonb),
  swarmplane.next_handover(),
  swarmplane.compact_history(interval),
  swarmplane.drop_old_history()
  to swarmplane_hub;

-- hubs: the functions of the queue, no table of it
grant execute on function
  swarmplane.claim(uuid, integer, text[], boolean),
  swarmplane.heartbeat(uuid, uuid[]),
  swarmplane.give_back(uuid),
  swarmplane.next_due(text[]),
  swarmplane.complete(uuid, jsonb),
  swarmplane.sweep(boolean),
  swarmplane.cancelled_leases(uuid[]),
  swarmplane.hub_hello(text, text, text, integer),
  swarmplane.hub_goodbye(uuid),
  swarmplane.report_nodes(jsonb),
  swarmplane.departed(),
  swarmplane.report_keys(jsonb),
  swarmplane.report_host_tables(jsonb),
  swarmplane.report_actions(uuid, text[]),
  swarmplane.raise_alert(text, text, text, text, jsonb, integer),
  swarmplane.report_drift(jsonb),
  swarmplane.resolve_alerts(text[], text[]),
  swarmplane.look_after_alerts(),
  swarmplane.claim_alert_event(interval),
  swarmplane.end_alert_event(bigint, text),
  swarmplane.queue_facts(),
  swarmplane.make_partitions(interval),
  swarmplane.raise_sequences(),
  swarmplane.mend_clock(boolean),
  swarmplane.enter_swarm(text),
  swarmplane.begin_seal(text, integer, boolean),
  swarmplane.finish_seal(bigint, bytea, bigint),
  swarmplane.begin_checkpoint(text),
  swarmplane.drop_sealed_audit(),
  swarmplane.drop_old_partition(),
  swarmplane.tick(bigint, timestamptz, timestamptz[], timestamptz, text),
  swarmplane.tick_intervals(),
  swarmplane.due_crons(),
  swarmplane.begin_backup(text, text, interval, text, integer, boolean, interval),
  swarmplane.renew_backup(bigint, interval),
  swarmplane.end_backup(bigint, jsonb),
  swarmplane.note_removed_backup(bigint),
  swarmplane.forget_backup_plan(text),
  swarmplane.next_tick()
  to swarmplane_hub;
reset role;
