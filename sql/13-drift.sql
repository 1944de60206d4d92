-- Drift: what is not as the release made it. Hubs look every few minutes (src/hub/schema/drift.ts).
set local role swarmplane_owner;

-- All that a hub found. What is new or was told otherwise opens an alert, what is not found any more resolves its own.
create or replace function swarmplane.report_drift(changes jsonb)
  returns void
  language plpgsql
  security definer
  set search_path = pg_catalog, swarmplane, pg_temp
as $$
begin
  perform swarmplane.raise_alert('drift', d.key, d.message || '; mend it: ' || d.mend, 'warning',
            jsonb_build_object('mend', d.mend))
    from jsonb_to_recordset(changes) as d (key text, message text, mend text)
   where not exists (
     select from swarmplane.alert a
      where a.kind = 'drift' and a.key = d.key and a.resolved_at is null
        and a.message = d.message || '; mend it: ' || d.mend)
   order by d.key;
  perform swarmplane.resolve_alerts(
    '{drift}',
    array(
      select a.key
        from swarmplane.alert a
       where a.kind = 'drift' and a.resolved_at is null
         and a.key not in (select d.key from jsonb_to_recordset(changes) as d (key text))));
end
$$;
reset role;
