-- Where changes are found: a taking of kind full or delta is the one instant at which a table of a host changed.
-- An operator will notice: three small indexes are built on swarmplane.taking, a moment for each million takings.
set local role swarmplane_owner;

create index taking_change_at on swarmplane.taking (at) where kind in ('full', 'delta');
create index taking_change_table on swarmplane.taking (table_name, at) where kind in ('full', 'delta');
create index taking_change_node on swarmplane.taking (node_id, at) where kind in ('full', 'delta');

-- sql/67-inventory.sql has it with one argument more
drop function if exists swarmplane.paired_text(swarmplane.tracked_table, text);
reset role;
