-- Nothing was ever written into these tables.
DROP TABLE "custom_field_value";
DROP TABLE "custom_field_definition";

-- CreateTable
CREATE TABLE "custom_field" (
    "id" BIGSERIAL NOT NULL,
    "owner" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "type" TEXT NOT NULL,
    "source" JSONB NOT NULL,
    "transform" JSONB NOT NULL DEFAULT '{}',
    "limits" JSONB NOT NULL DEFAULT '{}',
    "options" JSONB NOT NULL DEFAULT '[]',
    "hubspot_property" TEXT,
    "quickbooks_field" INTEGER,
    "authority" TEXT NOT NULL DEFAULT 'source',
    "declared_by" TEXT NOT NULL DEFAULT 'api',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "custom_field_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "custom_field_owner_check" CHECK ("owner" IN ('Customer', 'Order')),
    CONSTRAINT "custom_field_type_check" CHECK ("type" IN ('text', 'number', 'money', 'date', 'boolean', 'enumeration')),
    CONSTRAINT "custom_field_authority_check" CHECK ("authority" IN ('source', 'hubspot', 'latest')),
    CONSTRAINT "custom_field_declared_by_check" CHECK ("declared_by" IN ('api', 'file')),
    CONSTRAINT "custom_field_quickbooks_check" CHECK ("quickbooks_field" BETWEEN 1 AND 3)
);

-- CreateTable
CREATE TABLE "custom_field_value" (
    "field_id" BIGINT NOT NULL,
    "entity_id" BIGINT NOT NULL,
    "value" TEXT,
    "problem" TEXT,
    "raw" TEXT,
    "source" TEXT NOT NULL,
    "told_at" TIMESTAMPTZ(6) NOT NULL,
    "source_value" TEXT,
    "source_at" TIMESTAMPTZ(6),
    "crm_value" TEXT,
    "crm_at" TIMESTAMPTZ(6),
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "custom_field_value_pkey" PRIMARY KEY ("field_id", "entity_id")
);

-- CreateTable
CREATE TABLE "custom_field_backfill" (
    "field_id" BIGINT NOT NULL,
    "status" TEXT NOT NULL,
    "total" INTEGER NOT NULL DEFAULT 0,
    "done" INTEGER NOT NULL DEFAULT 0,
    "reached_id" BIGINT NOT NULL DEFAULT 0,
    "error" TEXT,
    "requested_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6),
    "progressed_at" TIMESTAMPTZ(6),
    "finished_at" TIMESTAMPTZ(6),

    CONSTRAINT "custom_field_backfill_pkey" PRIMARY KEY ("field_id"),
    CONSTRAINT "custom_field_backfill_status_check" CHECK ("status" IN ('waiting', 'running', 'finished', 'failed'))
);

-- CreateIndex
CREATE UNIQUE INDEX "custom_field_owner_key_key" ON "custom_field"("owner", "key");

-- CreateIndex
CREATE INDEX "custom_field_value_entity_id_idx" ON "custom_field_value"("entity_id");

-- One property of HubSpot's object, and one field of a sales form, has one source.
CREATE UNIQUE INDEX "custom_field_hubspot_property" ON "custom_field"("owner", "hubspot_property") WHERE "hubspot_property" IS NOT NULL;
CREATE UNIQUE INDEX "custom_field_quickbooks_field" ON "custom_field"("quickbooks_field") WHERE "quickbooks_field" IS NOT NULL;

-- What could not be understood is looked for across all owners.
CREATE INDEX "custom_field_value_problems" ON "custom_field_value"("field_id", "entity_id") WHERE "problem" IS NOT NULL;

-- AddForeignKey
ALTER TABLE "custom_field_value" ADD CONSTRAINT "custom_field_value_field_id_fkey" FOREIGN KEY ("field_id") REFERENCES "custom_field"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_field_backfill" ADD CONSTRAINT "custom_field_backfill_field_id_fkey" FOREIGN KEY ("field_id") REFERENCES "custom_field"("id") ON DELETE CASCADE ON UPDATE CASCADE;
