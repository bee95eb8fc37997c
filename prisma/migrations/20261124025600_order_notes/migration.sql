-- CreateEnum
CREATE TYPE "note_reader" AS ENUM ('claude', 'parser');

-- CreateEnum
CREATE TYPE "fulfilment_rule_kind" AS ENUM ('deliver_after', 'deliver_before', 'leave_at', 'gift_wrap', 'gift_message', 'hold_for_pickup', 'split_shipment', 'substitution', 'fragile', 'call_first', 'allergy', 'other');

-- CreateEnum
CREATE TYPE "fulfilment_rule_status" AS ENUM ('proposed', 'approved', 'rejected', 'withdrawn');

-- CreateTable
CREATE TABLE "note_reading" (
    "order_id" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,
    "read_at" TIMESTAMPTZ(6),
    "reader" "note_reader",
    "fallback_reason" TEXT,
    "requested_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "note_reading_pkey" PRIMARY KEY ("order_id")
);

-- CreateTable
CREATE TABLE "fulfilment_rule" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "kind" "fulfilment_rule_kind" NOT NULL,
    "value" TEXT,
    "quote" TEXT NOT NULL,
    "confidence" DECIMAL(3,2) NOT NULL,
    "status" "fulfilment_rule_status" NOT NULL,
    "reason" TEXT,
    "reader" "note_reader" NOT NULL,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "fulfilment_rule_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "note_understanding" (
    "hash" TEXT NOT NULL,
    "rules" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "note_understanding_pkey" PRIMARY KEY ("hash")
);

-- CreateTable
CREATE TABLE "note_usage" (
    "day" DATE NOT NULL,
    "requests" INTEGER NOT NULL DEFAULT 0,
    "cache_hits" INTEGER NOT NULL DEFAULT 0,
    "fallbacks" INTEGER NOT NULL DEFAULT 0,
    "input_tokens" BIGINT NOT NULL DEFAULT 0,
    "output_tokens" BIGINT NOT NULL DEFAULT 0,
    "cost_micros" BIGINT NOT NULL DEFAULT 0,
    "reserved_micros" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "note_usage_pkey" PRIMARY KEY ("day")
);

-- CreateIndex
CREATE INDEX "fulfilment_rule_order_id_idx" ON "fulfilment_rule"("order_id");

-- AddForeignKey
ALTER TABLE "note_reading" ADD CONSTRAINT "note_reading_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fulfilment_rule" ADD CONSTRAINT "fulfilment_rule_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- One rule for one meaning of the same words.
create unique index fulfilment_rule_once on fulfilment_rule (order_id, kind, md5(quote), md5(coalesce(value, '')));
-- What waits for a person, and notes that wait for their reader, are few among many.
create index fulfilment_rule_proposed on fulfilment_rule (id) where status = 'proposed';
create index note_reading_open on note_reading (requested_at) where read_at is null;

alter table fulfilment_rule
  add constraint fulfilment_rule_confidence check (confidence between 0 and 1),
  add constraint fulfilment_rule_quote check (length(quote) between 1 and 500),
  add constraint fulfilment_rule_decided check ((status in ('approved', 'rejected')) <= (decided_by is not null and decided_at is not null));
alter table note_usage
  add constraint note_usage_counts check (
    requests >= 0 and cache_hits >= 0 and fallbacks >= 0 and input_tokens >= 0 and output_tokens >= 0
    and cost_micros >= 0 and reserved_micros >= 0
  );
