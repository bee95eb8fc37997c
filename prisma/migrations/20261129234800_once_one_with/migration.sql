-- The same as before by the two indexes of customer_merge: `in` with two columns has to read all of it.
create or replace function once_one_with(ids bigint[]) returns table (id bigint, since timestamptz, until timestamptz)
language sql stable as $$
  with recursive told (id, since, until) as (
    select unnest(ids), '-infinity'::timestamptz, 'infinity'::timestamptz
    union
    select side.id, greatest(side.merged_at, told.since), least(side.undone_at, told.until)
    from told cross join lateral (
      select m.absorbed_id as id, m.merged_at, m.undone_at from customer_merge m where m.survivor_id = told.id and m.undone_at is not null
      union all
      select m.survivor_id, m.merged_at, m.undone_at from customer_merge m where m.absorbed_id = told.id and m.undone_at is not null
    ) as side
    where side.merged_at < told.until and side.undone_at > told.since
  )
  select told.id, told.since, told.until from told where told.id <> all(ids)
$$;
