import {
  PropertyCreateFieldTypeEnum as Field,
  PropertyCreateTypeEnum as Type,
} from '@hubspot/api-client/lib/codegen/crm/properties/index.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PropertyDefinition, standardProperties } from '../../sandbox/hubspot/property-definitions.ts';
import { normaliseEmail, normaliseValue } from '../../sandbox/hubspot/property-values.ts';
import { client, hubspot, refusal } from './hubspot-support.ts';

describe('property definitions', () => {
  it('are created with their group, in one and in batches, changed and archived', async () => {
    await using sandbox = await hubspot();
    const { properties, contacts } = client(sandbox).crm;
    const tier = {
      name: 'shop_tier',
      label: 'Tier',
      groupName: 'shop',
      type: Type.Enumeration,
      fieldType: Field.Select,
      options: [{ label: 'Gold', value: 'gold', hidden: false, displayOrder: 0 }],
    };
    const withoutGroup = await refusal(properties.coreApi.create('contacts', tier));
    expect(withoutGroup.body.message).toBe("Property group 'shop' does not exist");
    await properties.groupsApi.create('contacts', { name: 'shop', label: 'Shop' });
    expect(
      (await refusal(properties.groupsApi.create('contacts', { name: 'shop', label: 'Shop' }))).code,
    ).toBe(409);
    const created = await properties.coreApi.create('contacts', tier);
    expect(created.hubspotDefined).toBe(false);
    expect((await refusal(properties.coreApi.create('contacts', tier))).code).toBe(409);

    const batch = await properties.batchApi.createWithHttpInfo('contacts', {
      inputs: [
        tier,
        { name: 'shop_ltv', label: 'LTV', groupName: 'shop', type: Type.Number, fieldType: Field.Number },
        { name: '9bad', label: 'Bad', groupName: 'shop', type: Type.Number, fieldType: Field.Number },
      ],
    });
    expect(batch.httpStatusCode).toBe(207);
    expect(batch.data.results.map((one) => one.name)).toEqual(['shop_ltv']);
    if (!('errors' in batch.data)) throw new Error('a 207 carries errors');
    expect(batch.data.errors?.map((one) => one.context)).toEqual([
      { name: ['shop_tier'] },
      { name: ['9bad'] },
    ]);

    const contact = await contacts.basicApi.create({ properties: { email: 'a@b.co', shop_tier: 'gold' } });
    const refused = await refusal(
      contacts.basicApi.update(contact.id, { properties: { shop_tier: 'platinum' } }),
    );
    expect(refused.body.errors).toEqual([
      {
        message: 'platinum was not one of the allowed options: [gold]',
        code: 'INVALID_OPTION',
        context: { propertyName: ['shop_tier'] },
      },
    ]);
    await properties.coreApi.update('contacts', 'shop_tier', {
      options: [...created.options, { label: 'Platinum', value: 'platinum', hidden: false, displayOrder: 1 }],
    });
    await contacts.basicApi.update(contact.id, { properties: { shop_tier: 'platinum' } });

    await properties.coreApi.archive('contacts', 'shop_tier');
    expect((await refusal(properties.coreApi.getByName('contacts', 'shop_tier'))).code).toBe(404);
    expect(sandbox.record('contacts', contact.id)?.properties).not.toHaveProperty('shop_tier');
    expect(
      (await refusal(contacts.basicApi.update(contact.id, { properties: { shop_tier: 'gold' } }))).code,
    ).toBe(400);
    const names = (await properties.coreApi.getAll('contacts')).results.map((one) => one.name);
    expect(names).toContain('shop_ltv');
    expect(names).toContain('lifecyclestage');
    expect(names).not.toContain('shop_tier');
    expect((await refusal(properties.coreApi.archive('contacts', 'email'))).code).toBe(400);
  });

  it('with unique values let one record carry each value', async () => {
    await using sandbox = await hubspot();
    const { properties, objects } = client(sandbox).crm;
    await properties.coreApi.create('orders', {
      name: 'shop_order_id',
      label: 'Shop order id',
      groupName: 'order_information',
      type: Type.String,
      fieldType: Field.Text,
      hasUniqueValue: true,
    });
    const make = (id: string) => objects.basicApi.create('orders', { properties: { shop_order_id: id } });
    const first = await make('1');
    const second = await make('2');
    const refused = await refusal(make('1'));
    expect(refused.code).toBe(400);
    expect(refused.body.errors).toEqual([
      {
        message: `${first.id} already has that value.`,
        code: 'CONFLICTING_UNIQUE_VALUE',
        context: { propertyName: ['shop_order_id'] },
      },
    ]);
    expect(
      (await refusal(objects.basicApi.update('orders', second.id, { properties: { shop_order_id: '1' } })))
        .code,
    ).toBe(400);
    await objects.basicApi.update('orders', first.id, { properties: { shop_order_id: '3' } });
    await objects.basicApi.update('orders', second.id, { properties: { shop_order_id: '1' } });
    const found = await objects.basicApi.getById('orders', '1', [], [], [], false, 'shop_order_id');
    expect(found.id).toBe(second.id);
  });
});

describe('an input with bad values', () => {
  it('is refused as a whole, and every bad value is named', async () => {
    await using sandbox = await hubspot();
    const refused = await refusal(
      client(sandbox).crm.objects.basicApi.create('orders', {
        properties: {
          hs_order_name: '#1',
          hs_total_price: '1.4e-14',
          hs_external_created_date: 'yesterday',
          hs_currency_code: 'XYZ',
          hs_object_id: '7',
          no_such_thing: 'x',
        },
      }),
    );
    expect(refused.code).toBe(400);
    expect(refused.body.category).toBe('VALIDATION_ERROR');
    const errors = refused.body.errors as { code: string; context: { propertyName: string[] } }[];
    expect(errors.map((one) => [one.context.propertyName[0], one.code])).toEqual([
      ['hs_total_price', 'INVALID_INTEGER'],
      ['hs_external_created_date', 'INVALID_DATE'],
      ['hs_currency_code', 'INVALID_OPTION'],
      ['hs_object_id', 'READ_ONLY_VALUE'],
      ['no_such_thing', 'PROPERTY_DOESNT_EXIST'],
    ]);
    expect(refused.body.message).toMatch(/^Property values were not valid: \[\{"isValid":false,/);
    expect(sandbox.stats().orders).toBe(0);
  });
});

describe('a value', () => {
  const numberProperty = definition('0-123', 'hs_total_price');
  const dateTime = definition('0-123', 'hs_external_created_date');
  const checkBoxes = definition('0-1', 'hs_legal_basis');
  const date: PropertyDefinition = { ...dateTime, type: 'date' };
  const bool: PropertyDefinition = { ...dateTime, type: 'bool' };

  it.each([
    [numberProperty, '10.50', '10.50'],
    [numberProperty, 10.5, '10.5'],
    [numberProperty, '-3', '-3'],
    [numberProperty, '', null],
    [numberProperty, null, null],
    [dateTime, '1700000000000', '2023-11-14T22:13:20.000Z'],
    [dateTime, '2026-11-23T10:00:00+01:00', '2026-11-23T09:00:00.000Z'],
    [date, '2026-11-23', '2026-11-23'],
    [date, '1795392000000', '2026-11-23'],
    [bool, true, 'true'],
    [checkBoxes, 'Not applicable;Performance of a contract', 'Not applicable;Performance of a contract'],
  ])('of %o given as %o is kept as %o', (property, given, kept) => {
    expect(normaliseValue(property, given, undefined)).toEqual({ ok: true, value: kept });
  });

  it.each([
    [numberProperty, ' 10', 'INVALID_INTEGER'],
    [numberProperty, '1,000', 'INVALID_INTEGER'],
    [numberProperty, 'NaN', 'INVALID_INTEGER'],
    [dateTime, '2026-11-23', 'INVALID_DATE'],
    [date, '1795392000001', 'INVALID_DATE'],
    [date, '2026-02-30', 'INVALID_DATE'],
    [bool, 'yes', 'INVALID_OPTION'],
    [checkBoxes, 'Not applicable;Because', 'INVALID_OPTION'],
    [numberProperty, { amount: 1 }, 'INVALID_JSON'],
  ])('of %o given as %o is refused with %s', (property, given, error) => {
    expect(normaliseValue(property, given, undefined)).toMatchObject({ ok: false, invalid: { error } });
  });

  it('of check boxes is appended where it begins with a semicolon', () => {
    expect(normaliseValue(checkBoxes, ';Not applicable', 'Performance of a contract')).toEqual({
      ok: true,
      value: 'Performance of a contract;Not applicable',
    });
  });

  it('that was kept is kept unchanged when it is sent back', () => {
    const anyValue = fc.oneof(
      fc.tuple(
        fc.constantFrom(numberProperty),
        fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      ),
      fc.tuple(
        fc.constantFrom(dateTime, date),
        fc.date({ noInvalidDate: true }).map((one) => String(one.getTime())),
      ),
      fc.tuple(fc.constantFrom(dateTime, date), fc.string()),
    );
    fc.assert(
      fc.property(anyValue, ([property, given]) => {
        const first = normaliseValue(property, given, undefined);
        if (first.ok) expect(normaliseValue(property, first.value, undefined)).toEqual(first);
      }),
    );
  });

  it.each([
    ['Ada@Example.COM', 'ada@example.com'],
    ['a.b+c@sub.example.co', 'a.b+c@sub.example.co'],
    ['example.lcom ', null],
    ['a@b', null],
    ['a b@example.com', null],
    ['a@example..com', null],
    ['a@b@example.com', null],
  ])('e-mail address %s becomes %s', (given, kept) => {
    expect(normaliseEmail(given)).toBe(kept);
  });
});

function definition(typeId: '0-1' | '0-123', name: string): PropertyDefinition {
  const found = standardProperties(typeId).definitions.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no property ${name}`);
  return found;
}
