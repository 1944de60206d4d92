-- Which host brought which declaration of a tracked table: what one host may bring is bounded.
-- An operator will notice: nothing; what was declared before counts for nobody.
set local role swarmplane_owner;

create table swarmplane.shape_source (
  shape_id integer primary key references swarmplane.table_shape on delete cascade,
  declared_by integer not null references swarmplane.node on delete cascade,
  -- columns that the table won by it
  columns integer not null
);
create index on swarmplane.shape_source (declared_by);
reset role;
