-- What changed on a host yesterday (in UTC), in all tracked tables?
select c."table", c.at, c.change, c.key, c.before, c.after
  from inventory.changes c
 where c.host = 'web1'
   and c.at >= date_trunc('day', now(), 'UTC') - interval '1 day'
   and c.at < date_trunc('day', now(), 'UTC')
 order by c.at, c."table", c.key;
