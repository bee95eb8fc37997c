-- Who ordered, by the platform's own id: orders find back to their person when a merge is undone.
alter table "sales_order" add column "buyer_remote_id" text;

-- CreateTable
CREATE TABLE "identity_key" (
    "key" BIGINT NOT NULL,
    "identity_id" BIGINT NOT NULL,

    CONSTRAINT "identity_key_pkey" PRIMARY KEY ("key","identity_id")
);

CREATE TABLE "identity_model" (
    "id" BIGSERIAL NOT NULL,
    "parameters" JSONB NOT NULL,
    "pairs" INTEGER NOT NULL,
    "estimated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "identity_model_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "merge_candidate" (
    "id" BIGSERIAL NOT NULL,
    "customer_a_id" BIGINT NOT NULL,
    "customer_b_id" BIGINT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "bits" DECIMAL(6,1) NOT NULL,
    "probability" DOUBLE PRECISION NOT NULL,
    "evidence" JSONB NOT NULL DEFAULT '{}',
    "merge_id" BIGINT,
    "decided_by" TEXT,
    "decided_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "merge_candidate_pkey" PRIMARY KEY ("id")
);

ALTER TABLE "customer_identity" ADD COLUMN "keys_version" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "customer_merge" ADD COLUMN "actor" TEXT,
  ADD COLUMN "approved_platforms" TEXT[] DEFAULT ARRAY[]::TEXT[],
  ADD COLUMN "undone_by" TEXT;

CREATE INDEX "identity_key_identity_id_idx" ON "identity_key"("identity_id");
CREATE INDEX "merge_candidate_customer_b_id_idx" ON "merge_candidate"("customer_b_id");
CREATE UNIQUE INDEX "merge_candidate_customer_a_id_customer_b_id_key" ON "merge_candidate"("customer_a_id", "customer_b_id");

ALTER TABLE "identity_key" ADD CONSTRAINT "identity_key_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "customer_identity"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "merge_candidate" ADD CONSTRAINT "merge_candidate_customer_a_id_fkey" FOREIGN KEY ("customer_a_id") REFERENCES "customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "merge_candidate" ADD CONSTRAINT "merge_candidate_customer_b_id_fkey" FOREIGN KEY ("customer_b_id") REFERENCES "customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "customer_merge" ADD CONSTRAINT "customer_merge_absorbed_id_fkey" FOREIGN KEY ("absorbed_id") REFERENCES "customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- The older of the two stands first, so that a pair has one row.
alter table "merge_candidate"
  add constraint "merge_candidate_order" check (customer_a_id < customer_b_id),
  add constraint "merge_candidate_status" check (status in ('open', 'merged', 'rejected')),
  add constraint "merge_candidate_decided" check ((status = 'open') = (decided_at is null));
create index "merge_candidate_open" on "merge_candidate" (bits desc, id desc) where status = 'open';
-- A record is part of one other at most.
create unique index "customer_merge_standing" on "customer_merge" (absorbed_id) where undone_at is null;
alter table "customer_merge" add constraint "customer_merge_two_records" check (survivor_id <> absorbed_id);
-- Records that match keys are still to be made for, found by the batch.
create index "customer_identity_without_keys" on "customer_identity" (id) where keys_version = 0;
