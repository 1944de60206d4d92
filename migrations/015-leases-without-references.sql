-- An operator will notice: nothing; short locks. Leases are written by claims alone, for hubs and requests
-- that are there, and end by themselves; their references only cost: each claim locked its hub's row.
set local role swarmplane_owner;

-- nodes are never deleted
alter table swarmplane.delivery drop constraint delivery_node_id_fkey;
alter table swarmplane.lease drop constraint lease_hub_fkey, drop constraint lease_request_id_fkey;
-- what it did is done by the trigger that counts
drop trigger if exists _700_audit on swarmplane.delivery_done;
drop function if exists swarmplane.tg_delivery_done__audit();
-- sql/ makes them anew, with one more column and with other arguments
drop function if exists swarmplane.claim(uuid, integer, text[]);
drop function if exists swarmplane.note_outcomes(jsonb);
reset role;
