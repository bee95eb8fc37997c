-- Sales forms of the books show no custom fields yet: a choice without an effect is none. Its index goes with the column.
ALTER TABLE "custom_field" DROP COLUMN "quickbooks_field";
