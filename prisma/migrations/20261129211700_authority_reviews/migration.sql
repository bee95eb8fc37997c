-- The working out anew of customers after somebody chose who is believed about a field: how far it has come.
CREATE TABLE "authority_review" (
    "connection_id" BIGINT NOT NULL,
    "status" TEXT NOT NULL,
    "total" INTEGER NOT NULL DEFAULT 0,
    "done" INTEGER NOT NULL DEFAULT 0,
    "changed" INTEGER NOT NULL DEFAULT 0,
    "reached_id" BIGINT NOT NULL DEFAULT 0,
    "error" TEXT,
    "requested_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6),
    "progressed_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "authority_review_pkey" PRIMARY KEY ("connection_id"),
    CONSTRAINT "authority_review_status_check" CHECK ("status" IN ('waiting', 'running', 'finished'))
);

-- AddForeignKey
ALTER TABLE "authority_review" ADD CONSTRAINT "authority_review_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE CASCADE ON UPDATE CASCADE;
