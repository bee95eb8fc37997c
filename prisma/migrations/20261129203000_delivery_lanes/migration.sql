-- What is worked off one after the other and may be taken up together, as `laneOf` in src/sync/inbox/enqueue-deliveries.ts says
-- it. One expression, and a condition of its own: no other index can stand in for it. A plan that was made while the table was
-- empty had taken the one over everything that is open, and went through all of it for each delivery.
drop index delivery_waiting;
create index delivery_waiting on delivery
    ((connection_id::text || ':' || case when subject like 'product:%' then 'product' else subject end))
  where status not in ('settled', 'dead');
