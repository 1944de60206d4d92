-- What a host came by, and whether the operator gave it its name: a bare name that several hosts have claimed is
-- enough for an action only then.
-- An operator will notice: a short lock on node, no rewrite.
set local role swarmplane_owner;

alter table swarmplane.node
  add column token text,
  add column name_given boolean not null default false;
reset role;
