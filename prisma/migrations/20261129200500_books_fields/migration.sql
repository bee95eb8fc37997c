-- Which custom field of the books' sales forms a field of orders is sent to, by its name there.
ALTER TABLE "custom_field" ADD COLUMN "quickbooks_field" TEXT;

-- One field of a sales form has one source.
CREATE UNIQUE INDEX "custom_field_quickbooks_field" ON "custom_field"(lower("quickbooks_field")) WHERE "quickbooks_field" IS NOT NULL;
