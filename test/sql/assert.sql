-- Loaded before each file: assertions that stop the file with a sentence.
create function pg_temp.equal(what text, got text, want text) returns void language plpgsql as $$
begin
  if got is distinct from want then
    raise exception '%: got %, want %', what, coalesce(got, 'null'), coalesce(want, 'null');
  end if;
end
$$;

-- `statement` must fail with a message like `pattern` (LIKE).
create function pg_temp.throws(what text, statement text, pattern text) returns void language plpgsql as $$
declare
  message text;
begin
  begin
    execute statement;
  exception
    when others then
      get stacked diagnostics message = message_text;
      if message like pattern then
        return;
      end if;
      raise exception '%: failed with "%", want "%"', what, message, pattern;
  end;
  raise exception '%: it went through, want "%"', what, pattern;
end
$$;

-- Four hosts: h1 and h2 alive, h3 dead, h4 has left; h2's name is carried by h5 as well.
create function pg_temp.hosts() returns void language sql as $$
  select swarmplane.make_partitions();
  insert into swarmplane.node (identity, name, state)
  select repeat(substr(h.name, 2, 1), 64), h.name, h.state
    from (values ('h1', 'alive'), ('h2', 'alive'), ('h3', 'dead'), ('h4', 'left')) as h (name, state);
$$;

-- Claims as hub, ends every delivery with `said`, and gives what became of them.
create function pg_temp.work(hub uuid, said text, actions text[] default '{}') returns text language plpgsql as $$
declare
  taken record;
  became text;
begin
  select * into taken from swarmplane.claim(hub, 100, actions);
  select string_agg(distinct c.became, ',') into became
    from swarmplane.complete(
      taken.token,
      (select jsonb_agg(jsonb_build_object('id', d ->> 0, 'state', said, 'rows', jsonb_build_array(jsonb_build_object('a', 1))))
         from json_array_elements(taken.deliveries) d)) c;
  return became;
end
$$;
