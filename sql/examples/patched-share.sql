-- What share of the fleet had this version N days after its release?
select d.day,
       count(*) filter (where p.version = '3.0.15-1') as patched,
       count(*) as hosts,
       round(100.0 * count(*) filter (where p.version = '3.0.15-1') / count(*), 1) as percent
  from generate_series(0, 14) as d (day)
 cross join lateral (
   select a.host, a.version
     from inventory.deb_packages_as_of(timestamptz '2026-11-01 00:00 UTC' + d.day * interval '1 day') a
    where a.name = 'openssl') p
 group by d.day
 order by d.day;
