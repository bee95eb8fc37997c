import { encodeGlobalId } from '../../src/schema/global-id.ts';
import { placedAt, regulars, size, skuOf } from './data-set.ts';

/** What is read, as a client would ask; a seeded number picks which rows. */
export interface ReadQuery {
  name: 'q1' | 'q2' | 'q3';
  title: string;
  query: string;
  variables(number: number): Record<string, unknown>;
}

export const readQueries: readonly ReadQuery[] = [
  {
    name: 'q1',
    title: 'Q1 a customer with the last 10 orders, their lines and refunds',
    query: `query CustomerCard($id: ID!) {
      customer(id: $id) {
        id firstName lastName email orderCount
        lifetimeValue { amount currencyCode }
        orders(first: 10) {
          nodes {
            id number placedAt channel financialStatus
            total { amount currencyCode }
            lines { id title sku quantity total { amount currencyCode } }
            refunds { id refundedAt total { amount currencyCode } lines { quantity subtotal { amount currencyCode } } }
          }
        }
      }
    }`,
    variables: (number) => ({ id: encodeGlobalId('Customer', 1 + (number % regulars)) }),
  },
  {
    name: 'q2',
    title: 'Q2 50 orders with customer and lines',
    query: `query OrderList($until: DateTime!) {
      orders(first: 50, filter: { placedAt: { until: $until } }) {
        nodes {
          id number placedAt channel financialStatus fulfilmentStatus
          total { amount currencyCode }
          customer { id firstName lastName email }
          lines { id title sku quantity total { amount currencyCode } }
        }
      }
    }`,
    variables: (number) => ({ until: placedAt(1_000 + (number % (size.orders - 1_000))) }),
  },
  {
    name: 'q3',
    title: 'Q3 the stock of 100 SKUs at all locations',
    query: `query Stock($skus: [String!]!) {
      stockLevels(skus: $skus, first: 500) {
        nodes { id onHand committed available variant { id sku } location { id name } }
      }
    }`,
    variables: (number) => ({
      skus: Array.from({ length: 100 }, (_, index) =>
        skuOf(1 + ((number * 31 + index * 97) % size.variants)),
      ),
    }),
  },
];
