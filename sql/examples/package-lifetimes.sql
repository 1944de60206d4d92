-- How long did each version of a package live, over the whole fleet?
select p.version,
       count(distinct p.node_id) as hosts,
       min(p.valid_from) as first_seen,
       max(p.valid_to) as last_seen,
       avg(p.valid_to - p.valid_from) as average
  from (select c.version, c.node_id, c.valid_from, now() as valid_to
          from inventory.deb_packages_current c
         where c.name = 'openssl'
         union all
        select h.version, h.node_id, h.valid_from, h.valid_to
          from inventory.deb_packages_history h
         where h.name = 'openssl') p
 group by p.version
 order by first_seen, p.version;
