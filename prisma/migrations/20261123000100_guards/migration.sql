-- What the schema language cannot say: check constraints, partial indexes, the counter of events, append-only tables.

-- Work that is waiting is a small part of all work: the queries that look for it read these instead of the tables.
create index delivery_open on delivery (connection_id, id) where status in ('pending', 'retrying', 'dead');
create index push_open on push (connection_id, id) where status not in ('settled', 'superseded');
-- The same event reaches us once per subscription: the second look-up is by event and topic.
create index delivery_event on delivery (connection_id, event_id, topic) where event_id is not null;
-- At most one push of a thing waits for its turn. A newer one takes its place, a running one is beside it.
create unique index push_waiting on push (connection_id, kind, subject_type, subject_id)
  where status in ('plan', 'pending', 'retrying');
-- Pushes about one subject are carried out one after the other: whoever wants to start a second one is refused by this.
create unique index push_running on push (connection_id, subject_type, subject_id) where status = 'running';

-- Orders may arrive before the goods and places that they name: these find them when those do.
create index order_line_unknown_variant on order_line (remote_variant_id) where variant_id is null and remote_variant_id is not null;
create index sales_order_unknown_location on sales_order (connection_id, remote_location_id)
  where location_id is null and remote_location_id is not null;

-- Planning asks for the open pushes about a few subjects, among all that were ever made about them.
create index push_open_subject on push (subject_type, subject_id) where status in ('plan', 'pending', 'running', 'retrying');
-- Which adjustments a platform has not taken over yet is asked at each of its reports.
create index stock_movement_adjustment on stock_movement (stock_level_id, recorded_at) where cause = 'adjustment';

-- The order of a list by name: rows without one sort as empty, which the plain columns' index cannot give page by page.
create index customer_by_name on customer (coalesce(last_name, ''), coalesce(first_name, ''), id);
create index customer_search on customer (lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) text_pattern_ops);
create index sales_order_tags on sales_order using gin (tags);
create index stock_level_variant on stock_level (variant_id) include (location_id, on_hand, committed, reserved, available, incoming, safety);

alter table customer
  add constraint customer_email_lower check (email = lower(email)),
  add constraint customer_currency check (currency ~ '^[A-Z]{3}$'),
  add constraint customer_not_merged_into_itself check (merged_into_id <> id),
  add constraint customer_counts check (order_count >= 0);
alter table customer_identity add constraint customer_identity_email_lower check (email = lower(email));
alter table variant
  add constraint variant_currency check (currency ~ '^[A-Z]{3}$'),
  add constraint variant_price check (price_minor >= 0);
alter table stock_level
  add constraint stock_level_available_is_what_is_left check (available = on_hand - committed - reserved - safety),
  add constraint stock_level_counts check (committed >= 0 and reserved >= 0 and incoming >= 0 and safety >= 0);
alter table stock_movement
  add constraint stock_movement_adds_up check (
    available_after = available_before + available_delta
    and available_delta = on_hand_delta - committed_delta - reserved_delta - safety_delta
  );
alter table sales_order
  add constraint sales_order_currency check (currency ~ '^[A-Z]{3}$' and presentment_currency ~ '^[A-Z]{3}$'),
  add constraint sales_order_amounts check (
    subtotal_minor >= 0 and discount_minor >= 0 and shipping_minor >= 0 and duties_minor >= 0
    and tip_minor >= 0 and total_minor >= 0 and paid_minor >= 0 and refunded_minor >= 0
  );
alter table order_line
  add constraint order_line_quantities check (quantity >= 0 and refunded_quantity between 0 and quantity),
  add constraint order_line_amounts check (unit_price_minor >= 0 and discount_minor >= 0);
alter table tax_line
  add constraint tax_line_rate check (rate >= 0),
  add constraint tax_line_on_one_line check (order_line_id is null or shipping_line_id is null);
alter table discount_allocation
  add constraint discount_allocation_on_one_line check ((order_line_id is null) <> (shipping_line_id is null));
alter table refund_line add constraint refund_line_quantity check (quantity > 0);
alter table fulfilment_line add constraint fulfilment_line_quantity check (quantity > 0);
alter table push
  add constraint push_version check (version > 0),
  add constraint push_settled_at check ((settled_at is not null) = (status in ('settled', 'superseded')));
alter table delivery
  add constraint delivery_settled_at check ((settled_at is not null) = (status = 'settled')),
  add constraint delivery_outcome_when_settled check ((outcome is not null) = (status = 'settled'));
alter table event_head add constraint event_head_is_one_row check (id = 1);

insert into event_head (id, position) values (1, 0);

-- Numbers events in commit order. The row lock on event_head is held until the transaction ends, so whoever gets the
-- next number commits later: a reader that has seen position N has seen everything before N. A sequence would give
-- out numbers in the order of asking, and readers would step over late commits. Callers make this their last statement.
create function append_events(facts jsonb) returns bigint
language plpgsql as $$
declare
  many bigint := jsonb_array_length(facts);
  last bigint;
begin
  if many = 0 then
    return null;
  end if;
  update event_head set position = position + many where id = 1 returning position into last;
  insert into event (position, type, subject_type, subject_id, payload, source, delivery_id, push_id, recorded_at)
  select last - many + fact.ordinality, fact.value ->> 'type', fact.value ->> 'subjectType', (fact.value ->> 'subjectId')::bigint,
         fact.value -> 'payload', fact.value ->> 'source', (fact.value ->> 'deliveryId')::bigint, (fact.value ->> 'pushId')::bigint,
         clock_timestamp()
  from jsonb_array_elements(facts) with ordinality as fact;
  -- A doorbell only: listeners read the table.
  perform pg_notify('tributary_event', last::text);
  return last;
end
$$;

-- A stock movement is history: nobody changes or removes it, whichever way they reach the table.
create function refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% rows are never changed or removed', tg_table_name using errcode = 'restrict_violation';
end
$$;
create trigger stock_movement_is_append_only before update or delete on stock_movement
  for each row execute function refuse_change();
