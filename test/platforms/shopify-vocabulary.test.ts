import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  channelOf,
  financialStatusOf,
  fulfilmentStatusOf,
  idOf,
  phoneOf,
  plainDecimal,
  transactionKindOf,
  transactionStatusOf,
} from '../../src/sync/platforms/shopify/vocabulary.ts';

describe('Shopify’s words in ours', () => {
  test.each([
    ['10.0', '10'],
    ['0.190', '0.19'],
    ['8.25e-2', '0.0825'],
    ['8e-1', '0.8'],
    ['1.5E3', '1500'],
    ['-0.50', '-0.5'],
    ['-0.0', '0'],
    ['007', '7'],
    ['0', '0'],
  ])('the number %s is spelled %s', (given, plain) => {
    expect(plainDecimal(given)).toBe(plain);
  });

  test('a number keeps its value in its plain spelling', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }), (value) => {
        const plain = plainDecimal(value);
        expect(plain).toMatch(/^-?\d+(\.\d*[1-9])?$/);
        expect(Number(plain)).toBe(value === 0 ? 0 : value);
      }),
    );
  });

  test('both spellings of a state mean the same', () => {
    expect(financialStatusOf('PARTIALLY_REFUNDED')).toBe(financialStatusOf('partially_refunded'));
    expect(fulfilmentStatusOf('PARTIALLY_FULFILLED', true)).toBe(fulfilmentStatusOf('partial', true));
    expect(fulfilmentStatusOf('UNFULFILLED', false)).toBe(fulfilmentStatusOf(null, false));
    expect(transactionKindOf('EMV_AUTHORIZATION')).toBe('authorization');
    expect(transactionStatusOf('SUCCESS')).toBe('success');
  });

  test('a state that nobody has heard of is the cautious one', () => {
    expect(financialStatusOf('on_the_moon')).toBe('pending');
    expect(transactionStatusOf('AWAITING_RESPONSE')).toBe('pending');
    expect(fulfilmentStatusOf('ON_HOLD', false)).toBe('unfulfilled');
    expect(fulfilmentStatusOf('IN_PROGRESS', true)).toBe('partial');
    expect(transactionKindOf('suggested_refund')).toBeNull();
    expect(channelOf('shopify_draft_order')).toBe('other');
  });

  test('phones become E.164 where they can', () => {
    expect(phoneOf('(602) 555-0199', 'US')).toBe('+16025550199');
    expect(phoneOf('+49 30 901820', null)).toBe('+4930901820');
    expect(phoneOf('call reception', 'US')).toBe('call reception');
    expect(phoneOf('12', 'US')).toBe('12');
    expect(phoneOf('555-0199', 'XX')).toBe('555-0199');
    expect(phoneOf(null, 'US')).toBeNull();
  });

  test('ids lose their wrapping and nothing else', () => {
    expect(idOf('gid://shopify/Order/9100000000000001')).toBe('9100000000000001');
    expect(idOf('gid://shopify/InventoryLevel/70000000001?inventory_item_id=9800000000000001')).toBe(
      '70000000001',
    );
    expect(idOf('gid://shopify/ShippingLine/5')).toBe('5');
  });
});
