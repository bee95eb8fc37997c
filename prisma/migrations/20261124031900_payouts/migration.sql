-- CreateTable
CREATE TABLE "payout" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "status" TEXT NOT NULL,
    "net_minor" BIGINT NOT NULL,
    "issued_at" TIMESTAMPTZ(6) NOT NULL,
    "trace_id" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "payout_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "payout_transaction" (
    "id" BIGSERIAL NOT NULL,
    "payout_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "part" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "fee_minor" BIGINT NOT NULL,
    "order_remote_id" TEXT,
    "transaction_remote_id" TEXT,
    "reason" TEXT,
    "processed_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "payout_transaction_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "payout_issued_at_id_idx" ON "payout"("issued_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "payout_connection_id_remote_id_key" ON "payout"("connection_id", "remote_id");

-- CreateIndex
CREATE INDEX "payout_transaction_order_remote_id_idx" ON "payout_transaction"("order_remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "payout_transaction_payout_id_remote_id_key" ON "payout_transaction"("payout_id", "remote_id");

-- AddForeignKey
ALTER TABLE "payout" ADD CONSTRAINT "payout_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "payout_transaction" ADD CONSTRAINT "payout_transaction_payout_id_fkey" FOREIGN KEY ("payout_id") REFERENCES "payout"("id") ON DELETE CASCADE ON UPDATE CASCADE;

alter table payout
  add constraint payout_currency check (currency ~ '^[A-Z]{3}$'),
  add constraint payout_status check (status in ('scheduled', 'paid', 'failed', 'cancelled'));
alter table payout_transaction
  add constraint payout_transaction_part
    check (part in ('charge', 'refund', 'dispute', 'reserve', 'adjustment', 'returned_payout'));
