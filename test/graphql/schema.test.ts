import { readFile } from 'node:fs/promises';
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
  lexicographicSortSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import { expect, test } from 'vitest';
import { exampleTabs } from '../../src/schema/examples.ts';
import { buildSchema } from '../../src/schema/schema.ts';
import { scopeOfType } from '../../src/schema/scopes.ts';

const schema = buildSchema();
const types = Object.values(schema.getTypeMap()).filter(
  (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
);

test('schema.graphql is what the code describes', async () => {
  expect(await readFile('schema.graphql', 'utf8')).toBe(`${printSchema(lexicographicSortSchema(schema))}\n`);
});

test('every type, field, argument, input and enum value is described', () => {
  const missing: string[] = [];
  const look = (name: string, thing: { description?: string | null | undefined }): void => {
    if (!thing.description?.trim()) missing.push(name);
  };
  for (const type of types) {
    look(type.name, type);
    if (isEnumType(type)) for (const value of type.getValues()) look(`${type.name}.${value.name}`, value);
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      look(`${type.name}.${field.name}`, field);
      if (!('args' in field)) continue;
      for (const arg of field.args) look(`${type.name}.${field.name}(${arg.name})`, arg);
    }
  }
  expect(missing).toEqual([]);
});

test('every way to a guarded type from outside its own scope asks for a scope', () => {
  const guarded = scopeOfType as Partial<Record<string, string>>;
  const open: string[] = [];
  for (const type of types) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const target = getNamedType(field.type).name.replace(/(Connection|Edge)$/, '') || 'Connection';
      const needed = guarded[target];
      if (needed === undefined) continue;
      const options = (
        field.extensions as { pothosOptions?: { authScopes?: unknown } } & Record<string, unknown>
      ).pothosOptions;
      // Inside a page, or from a type that the same scope opens, there is no way in that was not guarded already.
      const inside =
        guarded[type.name] === needed ||
        /(Connection|Edge)$/.test(type.name) ||
        samePlace[type.name] === needed;
      if (!inside && options?.authScopes === undefined) open.push(`${type.name}.${field.name}`);
    }
  }
  expect(open).toEqual([]);
});

/** Types without a guard of their own that are only reached through guarded ones. */
const samePlace: Partial<Record<string, string>> = { OversoldGoods: 'read:stock' };

test('every list that can grow is paged', () => {
  const query = schema.getQueryType();
  const unpaged = Object.values(query?.getFields() ?? {})
    .filter((field) => String(field.type).startsWith('['))
    .map((field) => field.name);
  // A preview is of one order and its refunds.
  // Connections, custom fields and locations are counted on fingers; nodes are named one by one, 250 at most; days by a number.
  expect(unpaged.sort()).toEqual([
    'connections',
    'customFields',
    'locations',
    'nodes',
    'orderNoteUsage',
    'postingPreview',
  ]);
});

test('what the README and the tabs of GraphiQL offer to paste is what the API understands', async () => {
  const readme = await readFile('README.md', 'utf8');
  const pasted = [...readme.matchAll(/```graphql\n([\s\S]*?)```/g)].map(([, text]) => text ?? '');
  expect(pasted.length).toBeGreaterThanOrEqual(5);
  for (const text of [...pasted, ...exampleTabs.map((tab) => tab.query)]) {
    expect(validate(schema, parse(text)).map((error) => error.message)).toEqual([]);
  }
});
