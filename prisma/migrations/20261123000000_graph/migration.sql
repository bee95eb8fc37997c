-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "platform" AS ENUM ('shopify', 'hubspot', 'quickbooks', 'amazon');

-- CreateEnum
CREATE TYPE "connection_status" AS ENUM ('active', 'paused', 'revoked');

-- CreateEnum
CREATE TYPE "delivery_status" AS ENUM ('pending', 'retrying', 'settled', 'dead');

-- CreateEnum
CREATE TYPE "delivery_outcome" AS ENUM ('applied', 'unchanged', 'stale', 'echo', 'duplicate', 'ignored');

-- CreateEnum
CREATE TYPE "push_status" AS ENUM ('plan', 'pending', 'running', 'retrying', 'settled', 'superseded', 'dead');

-- CreateEnum
CREATE TYPE "stock_cause" AS ENUM ('opening', 'sale', 'cancellation', 'return', 'count', 'adjustment', 'transfer', 'receipt', 'reservation', 'release', 'report');

-- CreateEnum
CREATE TYPE "channel" AS ENUM ('online_store', 'point_of_sale', 'amazon', 'other');

-- CreateEnum
CREATE TYPE "financial_status" AS ENUM ('pending', 'authorized', 'partially_paid', 'paid', 'partially_refunded', 'refunded', 'voided', 'expired');

-- CreateEnum
CREATE TYPE "fulfilment_status" AS ENUM ('unfulfilled', 'partial', 'fulfilled', 'restocked');

-- CreateTable
CREATE TABLE "connection" (
    "id" BIGSERIAL NOT NULL,
    "platform" "platform" NOT NULL,
    "account_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "status" "connection_status" NOT NULL DEFAULT 'active',
    "status_reason" TEXT,
    "write_capabilities" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "credentials" BYTEA NOT NULL,
    "settings" JSONB NOT NULL DEFAULT '{}',
    "circuit_open_until" TIMESTAMPTZ(6),
    "circuit_reason" TEXT,
    "consecutive_failures" INTEGER NOT NULL DEFAULT 0,
    "last_success_at" TIMESTAMPTZ(6),
    "last_delivery_at" TIMESTAMPTZ(6),
    "swept_until" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "connection_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "delivery" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "external_id" TEXT NOT NULL,
    "event_id" TEXT,
    "topic" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "triggered_at" TIMESTAMPTZ(6),
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "body" BYTEA NOT NULL,
    "status" "delivery_status" NOT NULL DEFAULT 'pending',
    "outcome" "delivery_outcome",
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(6),
    "error_code" TEXT,
    "error" TEXT,
    "remedy" TEXT,
    "settled_at" TIMESTAMPTZ(6),

    CONSTRAINT "delivery_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "link" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "entity_type" TEXT NOT NULL,
    "entity_id" BIGINT NOT NULL,
    "remote_type" TEXT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "remote_version" TEXT,
    "remote_state" JSONB NOT NULL DEFAULT '{}',
    "seen_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "changed_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "link_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "source_statement" (
    "connection_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "source_updated_at" TIMESTAMPTZ(6) NOT NULL,
    "read_at" TIMESTAMPTZ(6),
    "hash" TEXT NOT NULL,
    "removed" BOOLEAN NOT NULL DEFAULT false,
    "told" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "source_statement_pkey" PRIMARY KEY ("connection_id","kind","remote_id")
);

-- CreateTable
CREATE TABLE "push" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "kind" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" BIGINT NOT NULL,
    "version" INTEGER NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "body" JSONB NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "status" "push_status" NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "next_attempt_at" TIMESTAMPTZ(6),
    "error_code" TEXT,
    "error" TEXT,
    "remedy" TEXT,
    "delivery_id" BIGINT,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "settled_at" TIMESTAMPTZ(6),

    CONSTRAINT "push_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "receipt" (
    "id" BIGSERIAL NOT NULL,
    "push_id" BIGINT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "remote_id" TEXT,
    "remote_version" TEXT,
    "adopted" BOOLEAN NOT NULL DEFAULT false,
    "detail" JSONB NOT NULL DEFAULT '{}',
    "duration_ms" INTEGER NOT NULL,
    "received_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "receipt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "event" (
    "position" BIGINT NOT NULL,
    "type" TEXT NOT NULL,
    "subject_type" TEXT NOT NULL,
    "subject_id" BIGINT NOT NULL,
    "payload" JSONB NOT NULL,
    "source" TEXT NOT NULL,
    "delivery_id" BIGINT,
    "push_id" BIGINT,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "event_pkey" PRIMARY KEY ("position")
);

-- CreateTable
CREATE TABLE "event_head" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "position" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "event_head_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "api_key" (
    "id" BIGSERIAL NOT NULL,
    "name" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "prefix" TEXT NOT NULL,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(6),
    "revoked_at" TIMESTAMPTZ(6),
    "last_used_at" TIMESTAMPTZ(6),

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "mutation_request" (
    "actor" TEXT NOT NULL,
    "idempotency_key" TEXT NOT NULL,
    "mutation" TEXT NOT NULL,
    "input_hash" TEXT NOT NULL,
    "result" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "mutation_request_pkey" PRIMARY KEY ("actor","idempotency_key")
);

-- CreateTable
CREATE TABLE "worker_lease" (
    "worker_id" TEXT NOT NULL,
    "heartbeat_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "worker_lease_pkey" PRIMARY KEY ("worker_id")
);

-- CreateTable
CREATE TABLE "customer" (
    "id" BIGSERIAL NOT NULL,
    "first_name" TEXT,
    "last_name" TEXT,
    "company" TEXT,
    "email" TEXT,
    "phone" TEXT,
    "default_address" JSONB,
    "note" TEXT,
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "tax_exempt" BOOLEAN NOT NULL DEFAULT false,
    "currency" CHAR(3),
    "lifetime_value_minor" BIGINT NOT NULL DEFAULT 0,
    "refunded_minor" BIGINT NOT NULL DEFAULT 0,
    "order_count" INTEGER NOT NULL DEFAULT 0,
    "first_order_at" TIMESTAMPTZ(6),
    "last_order_at" TIMESTAMPTZ(6),
    "merged_into_id" BIGINT,
    "provenance" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer_identity" (
    "id" BIGSERIAL NOT NULL,
    "customer_id" BIGINT NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "email" TEXT,
    "phone" TEXT,
    "first_name" TEXT,
    "last_name" TEXT,
    "company" TEXT,
    "address" JSONB,
    "relay_email" BOOLEAN NOT NULL DEFAULT false,
    "facts" JSONB NOT NULL DEFAULT '{}',
    "source_updated_at" TIMESTAMPTZ(6) NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_identity_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer_merge" (
    "id" BIGSERIAL NOT NULL,
    "survivor_id" BIGINT NOT NULL,
    "absorbed_id" BIGINT NOT NULL,
    "decided_by" TEXT NOT NULL,
    "evidence" JSONB NOT NULL DEFAULT '{}',
    "before" JSONB NOT NULL,
    "merged_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "undone_at" TIMESTAMPTZ(6),

    CONSTRAINT "customer_merge_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "product" (
    "id" BIGSERIAL NOT NULL,
    "title" TEXT NOT NULL,
    "vendor" TEXT,
    "product_type" TEXT,
    "status" TEXT NOT NULL DEFAULT 'active',
    "handle" TEXT,
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "source_updated_at" TIMESTAMPTZ(6) NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "removed_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "product_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "variant" (
    "id" BIGSERIAL NOT NULL,
    "product_id" BIGINT NOT NULL,
    "sku" TEXT,
    "barcode" TEXT,
    "title" TEXT NOT NULL,
    "position" INTEGER NOT NULL DEFAULT 1,
    "price_minor" BIGINT NOT NULL,
    "cost_minor" BIGINT,
    "currency" CHAR(3) NOT NULL,
    "taxable" BOOLEAN NOT NULL DEFAULT true,
    "tracked" BOOLEAN NOT NULL DEFAULT true,
    "removed_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "variant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "listing" (
    "id" BIGSERIAL NOT NULL,
    "variant_id" BIGINT NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_product_id" TEXT NOT NULL,
    "remote_variant_id" TEXT NOT NULL,
    "remote_inventory_item_id" TEXT,
    "status" TEXT NOT NULL DEFAULT 'active',
    "published_quantity" INTEGER,
    "published_at" TIMESTAMPTZ(6),

    CONSTRAINT "listing_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "location" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "address" JSONB,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "location_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stock_level" (
    "id" BIGSERIAL NOT NULL,
    "variant_id" BIGINT NOT NULL,
    "location_id" BIGINT NOT NULL,
    "on_hand" INTEGER NOT NULL DEFAULT 0,
    "committed" INTEGER NOT NULL DEFAULT 0,
    "reserved" INTEGER NOT NULL DEFAULT 0,
    "available" INTEGER NOT NULL DEFAULT 0,
    "incoming" INTEGER NOT NULL DEFAULT 0,
    "safety" INTEGER NOT NULL DEFAULT 0,
    "source_updated_at" TIMESTAMPTZ(6),
    "observed_at" TIMESTAMPTZ(6),
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stock_level_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "stock_movement" (
    "id" BIGSERIAL NOT NULL,
    "stock_level_id" BIGINT NOT NULL,
    "cause" "stock_cause" NOT NULL,
    "on_hand_delta" INTEGER NOT NULL DEFAULT 0,
    "committed_delta" INTEGER NOT NULL DEFAULT 0,
    "reserved_delta" INTEGER NOT NULL DEFAULT 0,
    "incoming_delta" INTEGER NOT NULL DEFAULT 0,
    "safety_delta" INTEGER NOT NULL DEFAULT 0,
    "available_delta" INTEGER NOT NULL,
    "available_before" INTEGER NOT NULL,
    "available_after" INTEGER NOT NULL,
    "source" TEXT NOT NULL,
    "reason" TEXT,
    "order_id" BIGINT,
    "refund_id" BIGINT,
    "delivery_id" BIGINT,
    "occurred_at" TIMESTAMPTZ(6) NOT NULL,
    "recorded_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "stock_movement_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "sales_order" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "number" TEXT NOT NULL,
    "channel" "channel" NOT NULL,
    "customer_id" BIGINT,
    "location_id" BIGINT,
    "remote_location_id" TEXT,
    "financial_status" "financial_status" NOT NULL,
    "fulfilment_status" "fulfilment_status" NOT NULL DEFAULT 'unfulfilled',
    "currency" CHAR(3) NOT NULL,
    "presentment_currency" CHAR(3) NOT NULL,
    "subtotal_minor" BIGINT NOT NULL,
    "discount_minor" BIGINT NOT NULL,
    "shipping_minor" BIGINT NOT NULL,
    "tax_minor" BIGINT NOT NULL,
    "duties_minor" BIGINT NOT NULL DEFAULT 0,
    "tip_minor" BIGINT NOT NULL DEFAULT 0,
    "rounding_minor" BIGINT NOT NULL DEFAULT 0,
    "total_minor" BIGINT NOT NULL,
    "paid_minor" BIGINT NOT NULL DEFAULT 0,
    "refunded_minor" BIGINT NOT NULL DEFAULT 0,
    "presentment_total_minor" BIGINT NOT NULL,
    "presentment_refunded_minor" BIGINT NOT NULL DEFAULT 0,
    "taxes_included" BOOLEAN NOT NULL DEFAULT false,
    "tax_exempt" BOOLEAN NOT NULL DEFAULT false,
    "test" BOOLEAN NOT NULL DEFAULT false,
    "email" TEXT,
    "phone" TEXT,
    "billing_address" JSONB,
    "shipping_address" JSONB,
    "note" TEXT,
    "tags" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "attributes" JSONB NOT NULL DEFAULT '[]',
    "cancel_reason" TEXT,
    "placed_at" TIMESTAMPTZ(6) NOT NULL,
    "cancelled_at" TIMESTAMPTZ(6),
    "closed_at" TIMESTAMPTZ(6),
    "removed_at" TIMESTAMPTZ(6),
    "source_updated_at" TIMESTAMPTZ(6) NOT NULL,
    "observed_at" TIMESTAMPTZ(6) NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "sales_order_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_line" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "variant_id" BIGINT,
    "remote_variant_id" TEXT,
    "title" TEXT NOT NULL,
    "variant_title" TEXT,
    "sku" TEXT,
    "vendor" TEXT,
    "quantity" INTEGER NOT NULL,
    "refunded_quantity" INTEGER NOT NULL DEFAULT 0,
    "unit_price_minor" BIGINT NOT NULL,
    "discount_minor" BIGINT NOT NULL DEFAULT 0,
    "tax_minor" BIGINT NOT NULL DEFAULT 0,
    "total_minor" BIGINT NOT NULL,
    "presentment_unit_price_minor" BIGINT NOT NULL,
    "presentment_discount_minor" BIGINT NOT NULL DEFAULT 0,
    "presentment_tax_minor" BIGINT NOT NULL DEFAULT 0,
    "presentment_total_minor" BIGINT NOT NULL,
    "taxable" BOOLEAN NOT NULL DEFAULT true,
    "gift_card" BOOLEAN NOT NULL DEFAULT false,
    "requires_shipping" BOOLEAN NOT NULL DEFAULT true,
    "duties_minor" BIGINT NOT NULL DEFAULT 0,
    "properties" JSONB NOT NULL DEFAULT '[]',

    CONSTRAINT "order_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "shipping_line" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "code" TEXT,
    "price_minor" BIGINT NOT NULL,
    "discount_minor" BIGINT NOT NULL DEFAULT 0,
    "tax_minor" BIGINT NOT NULL DEFAULT 0,
    "presentment_price_minor" BIGINT NOT NULL,

    CONSTRAINT "shipping_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "discount_application" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "position" INTEGER NOT NULL,
    "kind" TEXT NOT NULL,
    "code" TEXT,
    "title" TEXT,
    "value_type" TEXT NOT NULL,
    "value" DECIMAL(18,6) NOT NULL,
    "target_type" TEXT NOT NULL,
    "allocation_method" TEXT NOT NULL,

    CONSTRAINT "discount_application_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "discount_allocation" (
    "id" BIGSERIAL NOT NULL,
    "application_id" BIGINT NOT NULL,
    "order_line_id" BIGINT,
    "shipping_line_id" BIGINT,
    "amount_minor" BIGINT NOT NULL,
    "presentment_amount_minor" BIGINT NOT NULL,

    CONSTRAINT "discount_allocation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "tax_line" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "order_line_id" BIGINT,
    "shipping_line_id" BIGINT,
    "title" TEXT NOT NULL,
    "rate" DECIMAL(12,9) NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "presentment_amount_minor" BIGINT NOT NULL,
    "channel_liable" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "tax_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_transaction" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "refund_id" BIGINT,
    "remote_id" TEXT NOT NULL,
    "parent_remote_id" TEXT,
    "kind" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "gateway" TEXT NOT NULL,
    "amount_minor" BIGINT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "presentment_amount_minor" BIGINT NOT NULL,
    "presentment_currency" CHAR(3) NOT NULL,
    "processed_at" TIMESTAMPTZ(6),

    CONSTRAINT "order_transaction_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "gift_card" (
    "id" BIGSERIAL NOT NULL,
    "connection_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "last_characters" TEXT NOT NULL,
    "currency" CHAR(3) NOT NULL,
    "initial_minor" BIGINT NOT NULL,
    "balance_minor" BIGINT NOT NULL,
    "order_line_id" BIGINT,
    "disabled_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "gift_card_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "fulfilment" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "tracking_company" TEXT,
    "tracking_numbers" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "tracking_urls" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "remote_location_id" TEXT,
    "created_at" TIMESTAMPTZ(6) NOT NULL,
    "source_updated_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "fulfilment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "fulfilment_line" (
    "id" BIGSERIAL NOT NULL,
    "fulfilment_id" BIGINT NOT NULL,
    "order_line_id" BIGINT NOT NULL,
    "quantity" INTEGER NOT NULL,

    CONSTRAINT "fulfilment_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "note" TEXT,
    "currency" CHAR(3) NOT NULL,
    "presentment_currency" CHAR(3) NOT NULL,
    "subtotal_minor" BIGINT NOT NULL,
    "tax_minor" BIGINT NOT NULL,
    "shipping_minor" BIGINT NOT NULL DEFAULT 0,
    "adjustment_minor" BIGINT NOT NULL DEFAULT 0,
    "total_minor" BIGINT NOT NULL,
    "presentment_total_minor" BIGINT NOT NULL,
    "settled" BOOLEAN NOT NULL DEFAULT true,
    "refunded_at" TIMESTAMPTZ(6) NOT NULL,
    "source_updated_at" TIMESTAMPTZ(6),
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "refund_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund_line" (
    "id" BIGSERIAL NOT NULL,
    "refund_id" BIGINT NOT NULL,
    "order_line_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "restock_type" TEXT NOT NULL,
    "remote_location_id" TEXT,
    "subtotal_minor" BIGINT NOT NULL,
    "tax_minor" BIGINT NOT NULL,
    "presentment_subtotal_minor" BIGINT NOT NULL,
    "presentment_tax_minor" BIGINT NOT NULL,

    CONSTRAINT "refund_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "refund_adjustment" (
    "id" BIGSERIAL NOT NULL,
    "refund_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "reason" TEXT,
    "amount_minor" BIGINT NOT NULL,
    "tax_minor" BIGINT NOT NULL DEFAULT 0,
    "presentment_amount_minor" BIGINT NOT NULL,
    "presentment_tax_minor" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "refund_adjustment_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_return" (
    "id" BIGSERIAL NOT NULL,
    "order_id" BIGINT NOT NULL,
    "remote_id" TEXT NOT NULL,
    "name" TEXT,
    "status" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "order_return_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "order_return_line" (
    "id" BIGSERIAL NOT NULL,
    "return_id" BIGINT NOT NULL,
    "order_line_id" BIGINT NOT NULL,
    "quantity" INTEGER NOT NULL,
    "reason" TEXT,
    "disposition" TEXT,

    CONSTRAINT "order_return_line_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "custom_field_definition" (
    "id" BIGSERIAL NOT NULL,
    "entity_type" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "description" TEXT,
    "value_type" TEXT NOT NULL,
    "validation" JSONB NOT NULL DEFAULT '{}',
    "created_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "custom_field_definition_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "custom_field_value" (
    "id" BIGSERIAL NOT NULL,
    "definition_id" BIGINT NOT NULL,
    "entity_id" BIGINT NOT NULL,
    "value" JSONB NOT NULL,
    "source" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "custom_field_value_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "connection_platform_account_id_key" ON "connection"("platform", "account_id");

-- CreateIndex
CREATE INDEX "delivery_connection_id_received_at_idx" ON "delivery"("connection_id", "received_at" DESC);

-- CreateIndex
CREATE INDEX "delivery_subject_idx" ON "delivery"("subject");

-- CreateIndex
CREATE UNIQUE INDEX "delivery_connection_id_external_id_key" ON "delivery"("connection_id", "external_id");

-- CreateIndex
CREATE INDEX "link_entity_type_entity_id_idx" ON "link"("entity_type", "entity_id");

-- CreateIndex
CREATE UNIQUE INDEX "link_connection_id_remote_type_remote_id_key" ON "link"("connection_id", "remote_type", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "push_idempotency_key_key" ON "push"("idempotency_key");

-- CreateIndex
CREATE INDEX "push_subject_type_subject_id_idx" ON "push"("subject_type", "subject_id");

-- CreateIndex
CREATE INDEX "push_delivery_id_idx" ON "push"("delivery_id");

-- CreateIndex
CREATE INDEX "push_connection_id_created_at_idx" ON "push"("connection_id", "created_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "push_connection_id_kind_subject_type_subject_id_version_key" ON "push"("connection_id", "kind", "subject_type", "subject_id", "version");

-- CreateIndex
CREATE INDEX "receipt_push_id_idx" ON "receipt"("push_id");

-- CreateIndex
CREATE INDEX "event_subject_type_subject_id_position_idx" ON "event"("subject_type", "subject_id", "position");

-- CreateIndex
CREATE INDEX "event_type_position_idx" ON "event"("type", "position");

-- CreateIndex
CREATE UNIQUE INDEX "api_key_secret_hash_key" ON "api_key"("secret_hash");

-- CreateIndex
CREATE INDEX "mutation_request_created_at_idx" ON "mutation_request"("created_at");

-- CreateIndex
CREATE INDEX "customer_email_idx" ON "customer"("email");

-- CreateIndex
CREATE INDEX "customer_phone_idx" ON "customer"("phone");

-- CreateIndex
CREATE INDEX "customer_updated_at_id_idx" ON "customer"("updated_at", "id");

-- CreateIndex
CREATE INDEX "customer_created_at_id_idx" ON "customer"("created_at", "id");

-- CreateIndex
CREATE INDEX "customer_lifetime_value_minor_id_idx" ON "customer"("lifetime_value_minor", "id");

-- CreateIndex
CREATE INDEX "customer_last_name_first_name_id_idx" ON "customer"("last_name", "first_name", "id");

-- CreateIndex
CREATE INDEX "customer_merged_into_id_idx" ON "customer"("merged_into_id");

-- CreateIndex
CREATE INDEX "customer_identity_customer_id_idx" ON "customer_identity"("customer_id");

-- CreateIndex
CREATE INDEX "customer_identity_email_idx" ON "customer_identity"("email");

-- CreateIndex
CREATE INDEX "customer_identity_phone_idx" ON "customer_identity"("phone");

-- CreateIndex
CREATE UNIQUE INDEX "customer_identity_connection_id_remote_id_key" ON "customer_identity"("connection_id", "remote_id");

-- CreateIndex
CREATE INDEX "customer_merge_survivor_id_idx" ON "customer_merge"("survivor_id");

-- CreateIndex
CREATE INDEX "customer_merge_absorbed_id_idx" ON "customer_merge"("absorbed_id");

-- CreateIndex
CREATE INDEX "product_title_id_idx" ON "product"("title", "id");

-- CreateIndex
CREATE INDEX "product_updated_at_id_idx" ON "product"("updated_at", "id");

-- CreateIndex
CREATE INDEX "variant_product_id_position_idx" ON "variant"("product_id", "position");

-- CreateIndex
CREATE INDEX "variant_sku_idx" ON "variant"("sku");

-- CreateIndex
CREATE INDEX "variant_barcode_idx" ON "variant"("barcode");

-- CreateIndex
CREATE INDEX "listing_connection_id_remote_inventory_item_id_idx" ON "listing"("connection_id", "remote_inventory_item_id");

-- CreateIndex
CREATE INDEX "listing_connection_id_remote_product_id_idx" ON "listing"("connection_id", "remote_product_id");

-- CreateIndex
CREATE INDEX "listing_variant_id_idx" ON "listing"("variant_id");

-- CreateIndex
CREATE UNIQUE INDEX "listing_connection_id_remote_variant_id_key" ON "listing"("connection_id", "remote_variant_id");

-- CreateIndex
CREATE UNIQUE INDEX "location_connection_id_remote_id_key" ON "location"("connection_id", "remote_id");

-- CreateIndex
CREATE INDEX "stock_level_location_id_idx" ON "stock_level"("location_id");

-- CreateIndex
CREATE UNIQUE INDEX "stock_level_variant_id_location_id_key" ON "stock_level"("variant_id", "location_id");

-- CreateIndex
CREATE INDEX "stock_movement_stock_level_id_id_idx" ON "stock_movement"("stock_level_id", "id" DESC);

-- CreateIndex
CREATE INDEX "stock_movement_order_id_idx" ON "stock_movement"("order_id");

-- CreateIndex
CREATE INDEX "sales_order_customer_id_placed_at_id_idx" ON "sales_order"("customer_id", "placed_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sales_order_placed_at_id_idx" ON "sales_order"("placed_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "sales_order_updated_at_id_idx" ON "sales_order"("updated_at", "id");

-- CreateIndex
CREATE INDEX "sales_order_number_idx" ON "sales_order"("number");

-- CreateIndex
CREATE INDEX "sales_order_financial_status_placed_at_idx" ON "sales_order"("financial_status", "placed_at" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "sales_order_connection_id_remote_id_key" ON "sales_order"("connection_id", "remote_id");

-- CreateIndex
CREATE INDEX "order_line_variant_id_idx" ON "order_line"("variant_id");

-- CreateIndex
CREATE INDEX "order_line_sku_idx" ON "order_line"("sku");

-- CreateIndex
CREATE UNIQUE INDEX "order_line_order_id_remote_id_key" ON "order_line"("order_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "shipping_line_order_id_remote_id_key" ON "shipping_line"("order_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "discount_application_order_id_position_key" ON "discount_application"("order_id", "position");

-- CreateIndex
CREATE INDEX "discount_allocation_application_id_idx" ON "discount_allocation"("application_id");

-- CreateIndex
CREATE INDEX "discount_allocation_order_line_id_idx" ON "discount_allocation"("order_line_id");

-- CreateIndex
CREATE INDEX "discount_allocation_shipping_line_id_idx" ON "discount_allocation"("shipping_line_id");

-- CreateIndex
CREATE INDEX "tax_line_order_id_idx" ON "tax_line"("order_id");

-- CreateIndex
CREATE INDEX "tax_line_order_line_id_idx" ON "tax_line"("order_line_id");

-- CreateIndex
CREATE INDEX "tax_line_shipping_line_id_idx" ON "tax_line"("shipping_line_id");

-- CreateIndex
CREATE INDEX "order_transaction_refund_id_idx" ON "order_transaction"("refund_id");

-- CreateIndex
CREATE UNIQUE INDEX "order_transaction_order_id_remote_id_key" ON "order_transaction"("order_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "gift_card_connection_id_remote_id_key" ON "gift_card"("connection_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "fulfilment_order_id_remote_id_key" ON "fulfilment"("order_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "fulfilment_line_fulfilment_id_order_line_id_key" ON "fulfilment_line"("fulfilment_id", "order_line_id");

-- CreateIndex
CREATE INDEX "refund_refunded_at_id_idx" ON "refund"("refunded_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "refund_order_id_remote_id_key" ON "refund"("order_id", "remote_id");

-- CreateIndex
CREATE INDEX "refund_line_order_line_id_idx" ON "refund_line"("order_line_id");

-- CreateIndex
CREATE UNIQUE INDEX "refund_line_refund_id_remote_id_key" ON "refund_line"("refund_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "refund_adjustment_refund_id_remote_id_key" ON "refund_adjustment"("refund_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "order_return_order_id_remote_id_key" ON "order_return"("order_id", "remote_id");

-- CreateIndex
CREATE UNIQUE INDEX "order_return_line_return_id_order_line_id_key" ON "order_return_line"("return_id", "order_line_id");

-- CreateIndex
CREATE UNIQUE INDEX "custom_field_definition_entity_type_key_key" ON "custom_field_definition"("entity_type", "key");

-- CreateIndex
CREATE UNIQUE INDEX "custom_field_value_definition_id_entity_id_key" ON "custom_field_value"("definition_id", "entity_id");

-- AddForeignKey
ALTER TABLE "delivery" ADD CONSTRAINT "delivery_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "link" ADD CONSTRAINT "link_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "push" ADD CONSTRAINT "push_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "push" ADD CONSTRAINT "push_delivery_id_fkey" FOREIGN KEY ("delivery_id") REFERENCES "delivery"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "receipt" ADD CONSTRAINT "receipt_push_id_fkey" FOREIGN KEY ("push_id") REFERENCES "push"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_merged_into_id_fkey" FOREIGN KEY ("merged_into_id") REFERENCES "customer"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer_identity" ADD CONSTRAINT "customer_identity_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer_identity" ADD CONSTRAINT "customer_identity_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "customer_merge" ADD CONSTRAINT "customer_merge_survivor_id_fkey" FOREIGN KEY ("survivor_id") REFERENCES "customer"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "variant" ADD CONSTRAINT "variant_product_id_fkey" FOREIGN KEY ("product_id") REFERENCES "product"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "listing" ADD CONSTRAINT "listing_variant_id_fkey" FOREIGN KEY ("variant_id") REFERENCES "variant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "listing" ADD CONSTRAINT "listing_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "location" ADD CONSTRAINT "location_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stock_level" ADD CONSTRAINT "stock_level_variant_id_fkey" FOREIGN KEY ("variant_id") REFERENCES "variant"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stock_level" ADD CONSTRAINT "stock_level_location_id_fkey" FOREIGN KEY ("location_id") REFERENCES "location"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "stock_movement" ADD CONSTRAINT "stock_movement_stock_level_id_fkey" FOREIGN KEY ("stock_level_id") REFERENCES "stock_level"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sales_order" ADD CONSTRAINT "sales_order_connection_id_fkey" FOREIGN KEY ("connection_id") REFERENCES "connection"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sales_order" ADD CONSTRAINT "sales_order_customer_id_fkey" FOREIGN KEY ("customer_id") REFERENCES "customer"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "sales_order" ADD CONSTRAINT "sales_order_location_id_fkey" FOREIGN KEY ("location_id") REFERENCES "location"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_line" ADD CONSTRAINT "order_line_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_line" ADD CONSTRAINT "order_line_variant_id_fkey" FOREIGN KEY ("variant_id") REFERENCES "variant"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "shipping_line" ADD CONSTRAINT "shipping_line_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "discount_application" ADD CONSTRAINT "discount_application_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "discount_allocation" ADD CONSTRAINT "discount_allocation_application_id_fkey" FOREIGN KEY ("application_id") REFERENCES "discount_application"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "discount_allocation" ADD CONSTRAINT "discount_allocation_order_line_id_fkey" FOREIGN KEY ("order_line_id") REFERENCES "order_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "discount_allocation" ADD CONSTRAINT "discount_allocation_shipping_line_id_fkey" FOREIGN KEY ("shipping_line_id") REFERENCES "shipping_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tax_line" ADD CONSTRAINT "tax_line_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tax_line" ADD CONSTRAINT "tax_line_order_line_id_fkey" FOREIGN KEY ("order_line_id") REFERENCES "order_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "tax_line" ADD CONSTRAINT "tax_line_shipping_line_id_fkey" FOREIGN KEY ("shipping_line_id") REFERENCES "shipping_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_transaction" ADD CONSTRAINT "order_transaction_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_transaction" ADD CONSTRAINT "order_transaction_refund_id_fkey" FOREIGN KEY ("refund_id") REFERENCES "refund"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fulfilment" ADD CONSTRAINT "fulfilment_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fulfilment_line" ADD CONSTRAINT "fulfilment_line_fulfilment_id_fkey" FOREIGN KEY ("fulfilment_id") REFERENCES "fulfilment"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "fulfilment_line" ADD CONSTRAINT "fulfilment_line_order_line_id_fkey" FOREIGN KEY ("order_line_id") REFERENCES "order_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refund" ADD CONSTRAINT "refund_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refund_line" ADD CONSTRAINT "refund_line_refund_id_fkey" FOREIGN KEY ("refund_id") REFERENCES "refund"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refund_line" ADD CONSTRAINT "refund_line_order_line_id_fkey" FOREIGN KEY ("order_line_id") REFERENCES "order_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "refund_adjustment" ADD CONSTRAINT "refund_adjustment_refund_id_fkey" FOREIGN KEY ("refund_id") REFERENCES "refund"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_return" ADD CONSTRAINT "order_return_order_id_fkey" FOREIGN KEY ("order_id") REFERENCES "sales_order"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_return_line" ADD CONSTRAINT "order_return_line_return_id_fkey" FOREIGN KEY ("return_id") REFERENCES "order_return"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "order_return_line" ADD CONSTRAINT "order_return_line_order_line_id_fkey" FOREIGN KEY ("order_line_id") REFERENCES "order_line"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "custom_field_value" ADD CONSTRAINT "custom_field_value_definition_id_fkey" FOREIGN KEY ("definition_id") REFERENCES "custom_field_definition"("id") ON DELETE CASCADE ON UPDATE CASCADE;

