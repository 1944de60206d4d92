-- Networks, flat and fleet-wide, so that an address says which site a host is at.
set local role swarmplane_owner;

create table swarmplane.network (
  id integer generated always as identity primary key,
  range cidr not null,
  name text not null
    constraint name_is_not_empty check (name <> ''),
  site text not null
    constraint site_is_not_empty check (site <> ''),
  constraint network_name_is_unique unique (name),
  constraint ranges_do_not_overlap exclude using gist (range inet_ops with &&)
);

alter table swarmplane.node_address
  add constraint declared_has_an_ip check (not declared or ip is not null);
reset role;
