-- AlterTable
ALTER TABLE "connection" ADD COLUMN     "authorized_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- Deliveries that wait for their connection to be authorised again, and are let go together.
create index delivery_held on delivery (connection_id, id) where status = 'pending' and error_code is not null;
