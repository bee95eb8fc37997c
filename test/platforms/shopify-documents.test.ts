import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  buildClientSchema,
  type GraphQLSchema,
  Kind,
  NoDeprecatedCustomRule,
  parse,
  validate,
  visit,
} from 'graphql';
import { describe, expect, test } from 'vitest';
import { documents } from '../../src/sync/platforms/shopify/documents.ts';

const official: GraphQLSchema = (() => {
  const path = new URL(
    '../../node_modules/@shopify/dev-mcp/dist/data/admin_2026-07.json.gz',
    import.meta.url,
  );
  const read = JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'));
  return buildClientSchema(read.data ?? read);
})();

/** Mutations that Shopify refuses at run time without a key; its schema does not say so. */
const needKey = new Set([
  'inventoryActivate',
  'inventoryAdjustQuantities',
  'inventoryMoveQuantities',
  'inventorySetOnHandQuantities',
  'inventorySetQuantities',
  'inventoryShipmentAddItems',
  'inventoryShipmentCreate',
  'inventoryShipmentCreateInTransit',
  'inventoryShipmentReceive',
  'inventoryTransferCreate',
  'inventoryTransferCreateAsReadyToShip',
  'inventoryTransferDuplicate',
  'inventoryTransferSetItems',
  'locationActivate',
  'locationDeactivate',
  'refundCreate',
]);

/** Fields at the root of a mutation that need `@idempotent(key:)` and do not carry it. */
function withoutKey(document: string): string[] {
  const missing: string[] = [];
  visit(parse(document), {
    OperationDefinition(operation) {
      for (const field of operation.selectionSet.selections) {
        if (field.kind !== Kind.FIELD || !needKey.has(field.name.value)) continue;
        const carries = field.directives?.some(
          (directive) =>
            directive.name.value === 'idempotent' &&
            directive.arguments?.some((argument) => argument.name.value === 'key'),
        );
        if (!carries) missing.push(field.name.value);
      }
    },
  });
  return missing;
}

/** Its successor `variants` is a list that has one entry for all but shared items; the first one is all we need. */
const usedThoughDeprecated = ['The field InventoryItem.variant is deprecated.'];

describe('what is sent to the Admin GraphQL API', () => {
  test.each(Object.entries(documents))(
    '%s is valid in the published schema of 2026-07',
    (_name, document) => {
      expect(validate(official, parse(document)).map((error) => error.message)).toEqual([]);
    },
  );

  test.each(Object.entries(documents))(
    '%s carries an idempotency key where one is mandatory',
    (_name, document) => {
      expect(withoutKey(document)).toEqual([]);
    },
  );

  test.each(Object.entries(documents))('%s uses no field that is announced to go', (_name, document) => {
    const warnings = validate(official, parse(document), [NoDeprecatedCustomRule]);
    expect(
      warnings
        .map((warning) => warning.message)
        .filter((message) => !usedThoughDeprecated.some((known) => message.startsWith(known))),
    ).toEqual([]);
  });

  test('a document without the mandatory key is found out', () => {
    expect(withoutKey(documents.inventoryAdjust.replace('@idempotent(key: $key)', ''))).toEqual([
      'inventoryAdjustQuantities',
    ]);
  });

  test('a document with a field that does not exist is found out', () => {
    const broken = documents.customer.replace('firstName', 'givenName');
    expect(validate(official, parse(broken)).map((error) => error.message)).toEqual([
      expect.stringContaining('Cannot query field "givenName"'),
    ]);
  });

  test('a document with a field that is announced to go is found out', () => {
    const old = documents.customer.replace('firstName', 'firstName email');
    expect(validate(official, parse(old), [NoDeprecatedCustomRule]).map((error) => error.message)).toEqual([
      expect.stringContaining('The field Customer.email is deprecated.'),
    ]);
  });
});
