-- What became of goods whose refund did not put them back: told by the channel later, piece by piece.
ALTER TABLE "refund_line"
    ADD COLUMN "restocked" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "damaged" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "not_returned" INTEGER NOT NULL DEFAULT 0;
