-- AlterTable
ALTER TABLE "event_head" ADD COLUMN     "dropped_until" BIGINT NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "sweep" (
    "connection_id" BIGINT NOT NULL,
    "since" TIMESTAMPTZ(6),
    "reading" TEXT,
    "read_count" INTEGER NOT NULL DEFAULT 0,
    "applied_count" INTEGER NOT NULL DEFAULT 0,
    "drifted_count" INTEGER NOT NULL DEFAULT 0,
    "passed_over_count" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "progressed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "sweep_pkey" PRIMARY KEY ("connection_id")
);

-- AddForeignKey
ALTER TABLE "sweep" ADD CONSTRAINT "sweep_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE CASCADE ON UPDATE CASCADE;

alter table event_head add constraint event_head_drops_what_was_given_out check (dropped_until between 0 and position);
alter table sweep add constraint sweep_counts check (
  read_count >= 0 and applied_count between 0 and read_count and drifted_count between 0 and applied_count and passed_over_count >= 0
);
-- Retention looks for the oldest bytes that are still kept; what it has emptied is not met again.
create index delivery_body_kept on delivery (settled_at) where status = 'settled' and length(body) > 0;
