-- Whether what people write over a field in HubSpot goes back into the metafield that it comes from.
ALTER TABLE "custom_field" ADD COLUMN "write_back" BOOLEAN NOT NULL DEFAULT false;
