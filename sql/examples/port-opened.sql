-- When did this port open first, and where? `first` means that it was open when the host was looked at first.
select c.host, min(c.at) as seen_open, (array_agg(c.change order by c.at))[1] as how
  from inventory.listening_ports_changes c
 where c.after ->> 'port' = '8080'
 group by c.host
 order by 2, 1;
