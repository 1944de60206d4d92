-- Which hosts are not on the newest Debian that any host runs?
select o.host, o.version
  from inventory.os_version o
 where o.platform = 'debian'
   and o.major < (select max(n.major) from inventory.os_version n where n.platform = 'debian')
 order by o.major, o.host;
