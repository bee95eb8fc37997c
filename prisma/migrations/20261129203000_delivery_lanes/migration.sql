-- What is worked off one after the other and may be taken up together; the same expression as in src/sync/inbox/enqueue-deliveries.ts.
drop index delivery_waiting;
create index delivery_waiting on delivery (connection_id, (case when subject like 'product:%' then 'product' else subject end))
  where status in ('pending', 'retrying');
