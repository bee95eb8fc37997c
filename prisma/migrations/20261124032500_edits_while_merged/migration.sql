-- What people edit of a customer while another is merged into them stays theirs when that is undone, whatever platforms say later.
ALTER TABLE "customer_merge" ADD COLUMN "edits" JSONB NOT NULL DEFAULT '{}';
