-- The ledger of stock: movements are the only way to change a level, and everything that gives them a cause.

alter type "stock_cause" add value 'fulfilment';

alter table "listing" drop column "published_at", drop column "published_quantity",
  add column "allocated_at" timestamptz(6), add column "allocated_because" text, add column "allocated_buffer" integer,
  add column "allocated_quantity" integer;

alter table "stock_level" add column "counted_at" timestamptz(6);

alter table "stock_movement"
  add column "explains_id" bigint, add column "negative_reason" text, add column "owed" boolean not null default false,
  add column "reference" text, add column "units" integer not null default 0;

create table "stock_expectation" (
  "id" bigserial not null,
  "variant_id" bigint not null,
  "location_id" bigint,
  "cause" "stock_cause" not null,
  "quantity" integer not null,
  "committed" integer not null default 0,
  "order_id" bigint,
  "refund_id" bigint,
  "movement_id" bigint,
  "full" boolean not null default false,
  "occurred_at" timestamptz(6) not null,
  "created_at" timestamptz(6) not null default current_timestamp,
  constraint "stock_expectation_pkey" primary key ("id")
);
create table "order_line_stock" (
  "order_line_id" bigint not null,
  "sold" integer not null,
  "cancelled" integer not null,
  "returned" integer not null,
  "fulfilled" integer not null,
  constraint "order_line_stock_pkey" primary key ("order_line_id")
);
create table "reservation" (
  "id" bigserial not null,
  "stock_level_id" bigint not null,
  "quantity" integer not null,
  "reason" text not null,
  "expires_at" timestamptz(6),
  "created_at" timestamptz(6) not null default current_timestamp,
  "released_at" timestamptz(6),
  "outcome" text,
  constraint "reservation_pkey" primary key ("id")
);
create table "bundle_component" (
  "bundle_variant_id" bigint not null,
  "component_variant_id" bigint not null,
  "quantity" integer not null,
  constraint "bundle_component_pkey" primary key ("bundle_variant_id", "component_variant_id")
);
create table "stock_rule" (
  "id" bigserial not null,
  "connection_id" bigint,
  "variant_id" bigint,
  "min_buffer" integer,
  "max_quantity" integer,
  "share_percent" integer,
  "last_units" integer,
  "paused" boolean,
  "updated_at" timestamptz(6) not null default current_timestamp,
  constraint "stock_rule_pkey" primary key ("id")
);
create table "channel_feed" (
  "connection_id" bigint not null,
  "publish_latency_ms" integer not null,
  "intake_latency_ms" integer not null,
  "measured_at" timestamptz(6) not null,
  constraint "channel_feed_pkey" primary key ("connection_id")
);

create index "stock_expectation_variant_id_idx" on "stock_expectation"("variant_id");
create index "reservation_stock_level_id_idx" on "reservation"("stock_level_id");
create index "bundle_component_component_variant_id_idx" on "bundle_component"("component_variant_id");

alter table "stock_expectation" add constraint "stock_expectation_variant_id_fkey" foreign key ("variant_id") references "variant"("id") on delete restrict on update cascade;
alter table "order_line_stock" add constraint "order_line_stock_order_line_id_fkey" foreign key ("order_line_id") references "order_line"("id") on delete cascade on update cascade;
alter table "reservation" add constraint "reservation_stock_level_id_fkey" foreign key ("stock_level_id") references "stock_level"("id") on delete restrict on update cascade;
alter table "bundle_component" add constraint "bundle_component_bundle_variant_id_fkey" foreign key ("bundle_variant_id") references "variant"("id") on delete restrict on update cascade;
alter table "bundle_component" add constraint "bundle_component_component_variant_id_fkey" foreign key ("component_variant_id") references "variant"("id") on delete restrict on update cascade;
alter table "stock_rule" add constraint "stock_rule_connection_id_fkey" foreign key ("connection_id") references "connection"("id") on delete set null on update cascade;
alter table "stock_rule" add constraint "stock_rule_variant_id_fkey" foreign key ("variant_id") references "variant"("id") on delete set null on update cascade;
alter table "channel_feed" add constraint "channel_feed_connection_id_fkey" foreign key ("connection_id") references "connection"("id") on delete restrict on update cascade;

-- ── what the schema language cannot say ──

-- One rule per channel and variant, "every" included.
create unique index stock_rule_of on stock_rule (connection_id, variant_id) nulls not distinct;
-- Reservations that stand are few among all that ever were; the sweep for those that have run out reads only them.
create index reservation_open on reservation (expires_at) where released_at is null;
-- What the platform that keeps a level has not taken over is asked at each of its reports.
drop index stock_movement_adjustment;
create index stock_movement_owed on stock_movement (stock_level_id, recorded_at) include (available_delta) where owed;
-- How fast a variant sells is asked each time that its quantity is published.
create index stock_movement_sale on stock_movement (stock_level_id, recorded_at) include (units) where cause = 'sale';

alter table stock_expectation
  add constraint stock_expectation_quantity check (quantity <> 0),
  add constraint stock_expectation_has_one_side check ((movement_id is null) <> (cause = 'report'));
alter table order_line_stock add constraint order_line_stock_counts
  check (sold >= 0 and cancelled >= 0 and returned >= 0 and fulfilled >= 0);
alter table reservation
  add constraint reservation_quantity check (quantity > 0),
  add constraint reservation_outcome check ((released_at is not null) = (outcome is not null)),
  add constraint reservation_outcome_known check (outcome in ('released', 'expired'));
alter table bundle_component
  add constraint bundle_component_quantity check (quantity > 0),
  add constraint bundle_component_of_another check (bundle_variant_id <> component_variant_id);
alter table stock_rule
  add constraint stock_rule_amounts check (min_buffer >= 0 and max_quantity >= 0 and last_units >= 0),
  add constraint stock_rule_share check (share_percent between 0 and 100);
alter table channel_feed add constraint channel_feed_latencies check (publish_latency_ms >= 0 and intake_latency_ms >= 0);

-- Adjustments made before this migration are owed as well. The table's guard is for everybody else.
alter table stock_movement disable trigger stock_movement_is_append_only;
update stock_movement set owed = true where cause = 'adjustment';
update stock_movement set negative_reason = 'before_the_ledger' where available_after < 0 and available_delta < 0;
alter table stock_movement enable trigger stock_movement_is_append_only;

-- What can be sold never falls below zero without a named reason.
alter table stock_movement
  add constraint stock_movement_negative_is_explained
    check (available_after >= 0 or available_delta >= 0 or negative_reason is not null),
  add constraint stock_movement_units check (units >= 0);

-- A level is the fold of its movements because nothing else can change it: inserting a movement moves the level, in the
-- same statement and under the lock of its row, and a direct change of a count is refused. A movement that was made for
-- another state of the level is refused as a serialisation failure: the transaction is run again.
create function apply_stock_movement() returns trigger
language plpgsql as $$
declare
  left_over integer;
begin
  update stock_level set
    on_hand = on_hand + new.on_hand_delta, committed = committed + new.committed_delta, reserved = reserved + new.reserved_delta,
    incoming = incoming + new.incoming_delta, safety = safety + new.safety_delta, available = available + new.available_delta,
    updated_at = clock_timestamp()
  where id = new.stock_level_id
  returning available into left_over;
  if left_over is distinct from new.available_after then
    raise exception 'stock level % is at % and not at %', new.stock_level_id, left_over - new.available_delta, new.available_before
      using errcode = 'serialization_failure';
  end if;
  return null;
end
$$;
create trigger stock_movement_moves_level after insert on stock_movement
  for each row execute function apply_stock_movement();

create function refuse_stock_without_movement() returns trigger
language plpgsql as $$
begin
  raise exception 'the counts of a stock level change by its movements alone' using errcode = 'restrict_violation';
end
$$;
create trigger stock_level_begins_empty before insert on stock_level
  for each row when ((new.on_hand, new.committed, new.reserved, new.incoming, new.safety, new.available) <> (0, 0, 0, 0, 0, 0))
  execute function refuse_stock_without_movement();
-- Inside the movement's own trigger the depth is one.
create trigger stock_level_moves_by_movement before update on stock_level
  for each row when (pg_trigger_depth() = 0
    and (new.on_hand, new.committed, new.reserved, new.incoming, new.safety, new.available)
      is distinct from (old.on_hand, old.committed, old.reserved, old.incoming, old.safety, old.available))
  execute function refuse_stock_without_movement();
