import { GraphQLError, Kind, type ValueNode, valueFromASTUntyped } from 'graphql';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description: 'A moment in UTC, ISO 8601 with milliseconds, for example `2026-11-23T14:05:09.120Z`.',
  serialize: (value) => formatTime(value as string | Date),
  parseValue: (value) => parseTime(value),
  parseLiteral: (node) => parseTime(node.kind === Kind.STRING ? node.value : null),
});

builder.scalarType('Decimal', {
  description: 'An exact decimal number as a string, for example `"12.50"`; never a float.',
  serialize: (value) => String(value),
  parseValue: (value) => parseDecimal(value),
  parseLiteral: (node) => parseDecimal(node.kind === Kind.STRING ? node.value : null),
});

builder.scalarType('JSON', {
  description: 'Any JSON value, as the platform or the event gave it.',
  serialize: (value) => value,
  parseValue: (value) => value,
  parseLiteral: (node: ValueNode) => valueFromASTUntyped(node),
});

/** From what Postgres writes, or a Date. */
export function formatTime(value: string | Date): string {
  if (
    typeof value === 'string' &&
    value.endsWith('+00') &&
    value.length >= 22 &&
    value.charCodeAt(4) === 45
  ) {
    const fraction = value.length > 22 ? value.slice(20, -3).padEnd(3, '0').slice(0, 3) : '000';
    return `${value.slice(0, 10)}T${value.slice(11, 19)}.${fraction}Z`;
  }
  const time = value instanceof Date ? value : new Date(value);
  return time.toISOString();
}

const isoTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

function parseTime(value: unknown): string {
  if (typeof value === 'string' && isoTime.test(value)) {
    const time = new Date(value);
    if (!Number.isNaN(time.getTime())) return time.toISOString();
  }
  throw new GraphQLError(
    'A DateTime is an ISO 8601 string with a time zone, for example "2026-11-23T14:05:09Z".',
    {
      extensions: { code: 'BAD_USER_INPUT' },
    },
  );
}

function parseDecimal(value: unknown): string {
  if (typeof value === 'string' && /^-?\d{1,18}(\.\d{1,6})?$/.test(value)) return value;
  throw new GraphQLError('A Decimal is a string such as "12.50".', {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}
