-- Whoever became part of a record that later became part of another is part of that other one. Signposts point at whoever stands, so
-- that one step leads from any record to its customer; which merge stands on which is told by customer_merge.
with recursive up as (
  select id as part, merged_into_id as whole from customer where merged_into_id is not null
  union all
  select up.part, c.merged_into_id from up join customer c on c.id = up.whole where c.merged_into_id is not null
)
update customer c set merged_into_id = up.whole
from up join customer top on top.id = up.whole and top.merged_into_id is null
where c.id = up.part and c.merged_into_id <> up.whole;

-- What an undone merge remembered of the two has served its purpose, and is of two people.
update customer_merge set before = '{}', edits = '{}' where undone_at is not null and (before <> '{}' or edits <> '{}');

-- Customers with whom these were taken for one for a while, directly or through others, and when: what was written of them then may
-- tell of these. A survivor leads to whom it absorbed and the other way round.
create function once_one_with(ids bigint[]) returns table (id bigint, since timestamptz, until timestamptz)
language sql stable as $$
  with recursive told (id, since, until) as (
    select unnest(ids), '-infinity'::timestamptz, 'infinity'::timestamptz
    union
    select case when m.survivor_id = told.id then m.absorbed_id else m.survivor_id end,
      greatest(m.merged_at, told.since), least(m.undone_at, told.until)
    from told join customer_merge m on told.id in (m.survivor_id, m.absorbed_id)
      and m.undone_at is not null and m.merged_at < told.until and m.undone_at > told.since
  )
  select told.id, told.since, told.until from told where told.id <> all(ids)
$$;
