-- When did this port open first, and where? `first` means that it was open when the host was looked at first.
select n.name as host, min(p.valid_from) as seen_open,
       case when min(p.valid_from) = h.first_at then 'first' else 'added' end as how
  from (select c.node_id, c.valid_from from inventory.listening_ports_current c where c.port = 8080
         union all
        select h.node_id, h.valid_from from inventory.listening_ports_history h where h.port = 8080) p
  join swarmplane.node n on n.id = p.node_id
  join swarmplane.head h on h.node_id = p.node_id and h.table_name = 'listening_ports'
 group by n.name, h.first_at
 order by 2, 1;
