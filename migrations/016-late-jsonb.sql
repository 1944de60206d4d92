-- Changes are paired by their columns now, and jsonb is made of what is shown (sql/67-inventory.sql).
set local role swarmplane_owner;
drop function if exists swarmplane.paired_text(text);
drop function if exists swarmplane.key_text(swarmplane.tracked_table);
drop function if exists swarmplane.row_text(swarmplane.tracked_table);
reset role;
