-- What HubSpot's people wrote and could not be understood, and why: a word of theirs all the same.
ALTER TABLE "custom_field_value" ADD COLUMN "crm_problem" TEXT, ADD COLUMN "crm_raw" TEXT;
