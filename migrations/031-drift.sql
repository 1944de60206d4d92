-- What is changed by hand is compared with what the release says (sql/schema.jsonl), and no longer with what a hub
-- saw when it applied sql/: an index that was missing then was taken for how it should be.
drop table if exists swarmplane.sql_object;
