-- An operator will notice: nothing; short locks. Nodes are never deleted and ended deliveries come from
-- delivery, which keeps its reference, so this one only cost: at each outcome it locked the node's row.
set local role swarmplane_owner;

alter table swarmplane.delivery_done drop constraint delivery_done_node_id_fkey;
reset role;
