-- Labels for access: set here by operators, never declared by hosts, and which role may see which.
set local role swarmplane_owner;

create table swarmplane.node_label (
  node_id integer not null references swarmplane.node,
  label text not null
    constraint label_is_not_empty check (label <> ''),
  primary key (node_id, label)
);
create index node_label_label on swarmplane.node_label (label);

create table swarmplane.label_grant (
  role name not null,
  label text not null
    constraint label_is_not_empty check (label <> ''),
  primary key (role, label)
);
-- Until somebody narrows it every reader sees every host: '*' stands for all of them.
insert into swarmplane.label_grant (role, label) values
  ('swarmplane_reader', '*'),
  ('swarmplane_operator', '*');
reset role;
