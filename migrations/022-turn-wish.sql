-- Changed wishes for history are rows that hubs take: an open transaction with one in it kept the turns of all
-- hosts locked, and hubs asked none of them.
-- An operator will notice: nothing.
set local role swarmplane_owner;

create table swarmplane.turn_wish (
  id bigint generated always as identity primary key
);

reset role;
