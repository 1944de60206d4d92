-- Nodes that are out: forgotten, expelled and retired ones beside those that left, and since when.
-- An operator will notice: a short lock on node, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.node
  drop constraint state_is_known,
  add constraint state_is_known check (
    state in ('alive', 'suspect', 'dead', 'left', 'forgotten', 'expelled', 'retired')),
  -- since when it is out, null while it is not; written by a trigger
  add column out_since timestamptz,
  -- it is out, and deliveries for it may still be open; hubs end them
  add column ending boolean not null default false,
  add column retired_at timestamptz,
  add column retired_by name,
  add column retired_for text,
  -- of a retired one: what the hubs see meanwhile
  add column swarm_state text
    constraint swarm_state_is_known check (
      swarm_state in ('alive', 'suspect', 'dead', 'left', 'forgotten', 'expelled')),
  add constraint retired_is_whole check (
    (state = 'retired') = (retired_at is not null) and (state = 'retired') = (swarm_state is not null));
update swarmplane.node n set out_since = n.since, ending = true where n.state = 'left';
-- what people decide about nodes, until a hub takes it up: nobody but hubs locks a node
create table swarmplane.node_wish (
  id bigint generated always as identity primary key,
  node_id integer not null,
  wish text not null
    constraint wish_is_known check (wish in ('forget', 'retire', 'unretire')),
  reason text,
  wished_by name not null default session_user,
  wished_at timestamptz not null default now()
);
create index node_ending on swarmplane.node (id) where ending;
create index node_departed on swarmplane.node (id) where state in ('forgotten', 'retired');
reset role;
