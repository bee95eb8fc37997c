-- A day posted as one document: orders and refunds are shares of it.
CREATE TABLE "day_summary" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "key" TEXT NOT NULL,
    "facts" JSONB NOT NULL,
    "day" TEXT NOT NULL,
    "changed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "planned_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "day_summary_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "day_summary_connection_id_key_key" ON "day_summary"("connection_id", "key");
CREATE INDEX "day_summary_day_idx" ON "day_summary"("day");
ALTER TABLE "day_summary" ADD CONSTRAINT "day_summary_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- Those whose document is behind its shares: a handful at any time.
CREATE INDEX day_summary_due ON day_summary (connection_id, day) WHERE planned_at IS NULL OR planned_at < changed_at;
-- The shares of a day, among all that is linked.
CREATE INDEX link_share ON link (connection_id, (remote_state ->> 'summary')) WHERE remote_type = 'DayShare';
