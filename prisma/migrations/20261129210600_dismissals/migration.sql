-- Who closed a dead letter, when and why. What it failed of stays beside it.
alter table "push"
  add column "dismissed_at" timestamptz(6), add column "dismissed_by" text, add column "dismissed_reason" text;
alter table "delivery"
  add column "dismissed_at" timestamptz(6), add column "dismissed_by" text, add column "dismissed_reason" text;
alter table "push"
  add constraint push_dismissed check ((status = 'dismissed') <= (dismissed_at is not null)),
  add constraint push_dismissed_by check ((dismissed_at is null) = (dismissed_by is null)
    and (dismissed_at is null) = (dismissed_reason is null));
alter table "delivery"
  add constraint delivery_dismissed check ((status = 'dismissed') <= (dismissed_at is not null)),
  add constraint delivery_dismissed_by check ((dismissed_at is null) = (dismissed_by is null)
    and (dismissed_at is null) = (dismissed_reason is null));

-- What is closed is neither open nor waiting, and is counted apart.
drop index push_open;
create index push_open on push (connection_id, id) where status not in ('settled', 'superseded', 'dismissed');
create index push_dismissed_of on push (connection_id) where status = 'dismissed';
create index delivery_dismissed_of on delivery (connection_id) where status = 'dismissed';
drop index delivery_waiting;
create index delivery_waiting on delivery
    ((connection_id::text || ':' || case when subject like 'product:%' then 'product' else subject end))
  where status not in ('settled', 'dead', 'dismissed');
-- Their bytes are kept as long as those of settled ones.
drop index delivery_body_kept;
create index delivery_body_kept on delivery (coalesce(settled_at, dismissed_at))
  where status in ('settled', 'dismissed') and length(body) > 0;
