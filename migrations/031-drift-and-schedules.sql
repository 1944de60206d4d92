-- What is changed by hand is compared with what the release says (sql/schema.jsonl), and no longer with what a hub
-- saw when it applied sql/: an index that was missing then was taken for how it should be.
-- And schedules of actions. The key makes each tick's commands the same in every copy of the row.
-- An operator will notice: a short lock on schedule, no rewrite.
drop table if exists swarmplane.sql_object;

set local role swarmplane_owner;
alter table swarmplane.schedule
  add column action text,
  add column args jsonb,
  add column command_key uuid,
  alter column sql drop not null,
  add constraint sql_or_action check (num_nonnulls(sql, action) = 1),
  add constraint args_go_with_an_action check (action is not null or args is null);
reset role;
