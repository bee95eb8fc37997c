import {
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { platforms } from '../../src/sync/platforms/index.ts';
import { type Answer, startTestApi, type TestApi } from '../support/graphql-server.ts';
import { type Declared, idOf, typesOf, usual } from './usual-inputs.ts';

/*
 * Whatever a newcomer gives to whichever query or mutation: the answer names the input and never speaks of our inside. The
 * cases are made from the schema, so that what is added to it later is held to the same.
 */

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi({ platforms });
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

/** One input of a root field, and how to give it a value while all others stay as they should be. */
interface Place {
  root: string;
  kind: 'query' | 'mutation';
  path: string[];
  declared: Declared;
  type: GraphQLInputType;
  ask(value: unknown): Promise<Answer>;
}

function* placesWithin(
  declared: Declared,
  type: GraphQLInputType,
  path: string[],
  ask: (value: unknown) => Promise<Answer>,
): Generator<Omit<Place, 'root' | 'kind'>> {
  const bare = getNullableType(type);
  if (isListType(bare)) {
    yield* placesWithin(declared, bare.ofType, path, (value) => ask([value]));
  } else if (isInputObjectType(bare)) {
    const whole = bare.isOneOf ? {} : (usual(declared, bare) as object);
    for (const field of Object.values(bare.getFields()))
      yield* placesWithin(field, field.type, [...path, field.name], (value) =>
        ask({ ...whole, [field.name]: value }),
      );
  } else {
    yield { path, declared, type: bare, ask };
  }
}

function places(): Place[] {
  const { schema } = api.graphql;
  const found: Place[] = [];
  for (const kind of ['query', 'mutation'] as const) {
    const roots = (kind === 'query' ? schema.getQueryType() : schema.getMutationType())?.getFields() ?? {};
    for (const root of Object.values(roots)) {
      const named = getNamedType(root.type);
      const errors = isObjectType(named) && 'userErrors' in named.getFields();
      const pages = isObjectType(named) && 'pageInfo' in named.getFields();
      const selection = isCompositeType(named)
        ? `{ __typename ${errors ? 'userErrors { code field message }' : ''} ${pages ? 'pageInfo { hasNextPage }' : ''} }`
        : '';
      const document = `${kind} Bad(${root.args.map(({ name, type }) => `$${name}: ${type}`).join(', ')}) {
        it: ${root.name}(${root.args.map(({ name }) => `${name}: $${name}`).join(', ')}) ${selection} }`;
      const rest = Object.fromEntries(
        root.args.filter(({ type }) => isNonNullType(type)).map((one) => [one.name, usual(one, one.type)]),
      );
      for (const argument of root.args)
        for (const place of placesWithin(argument, argument.type, [argument.name], (value) =>
          api.ask(document, { ...rest, [argument.name]: value }),
        ))
          found.push({ root: root.name, kind, ...place });
    }
  }
  return found;
}

interface Refusal {
  code: string | undefined;
  field: string[] | null | undefined;
  message: string;
}

function refusalsOf({ data, errors }: Answer): Refusal[] {
  return [
    ...(errors ?? []).map(({ message, extensions }) => ({
      code: extensions?.code,
      field: extensions?.field,
      message,
    })),
    ...(data?.it?.userErrors ?? []),
  ];
}

/** Lists count as one place: their numbers are no part of the schema. */
function withoutNumbers(path: readonly string[]): string {
  return path.filter((one) => !/^\d+$/.test(one)).join('.');
}

const isId = ({ declared }: Place): boolean => declared.extensions.isRelayGlobalID === true;

/** What was asked and is refused otherwise than it should be. */
async function strays(
  asked: readonly { place: Place; value: unknown }[],
  isRight: (refusals: Refusal[], asked: { place: Place; value: unknown }) => boolean,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const one of asked) {
    const refusals = refusalsOf(await one.place.ask(one.value));
    if (!isRight(refusals, one))
      wrong.push(
        `${one.place.root} ${one.place.path.join('.')} = ${JSON.stringify(one.value)?.slice(0, 60)}: ${JSON.stringify(refusals).slice(0, 300)}`,
      );
  }
  return wrong;
}

const namesIt = (refusals: Refusal[], { place }: { place: Place }): boolean =>
  refusals.length === 1 &&
  refusals.every(
    ({ code, field, message }) =>
      code === 'BAD_USER_INPUT' &&
      withoutNumbers(field ?? []) === place.path.join('.') &&
      withoutNumbers(message.split(':', 1)[0]?.split('.') ?? []) === place.path.join('.'),
  );

describe('ids', () => {
  test('that are none are refused by the name of their input, before anything runs', async () => {
    const ids = places().filter(isId);
    expect(ids.length).toBeGreaterThan(50);
    const asked = ids.flatMap((place) =>
      ['', 'garbage', '😀', idOf('Order', 'x'), 'x'.repeat(5_000)].map((value) => ({ place, value })),
    );
    expect(await strays(asked, namesIt)).toEqual([]);
  });

  test('of another kind of thing are refused by the name of their input, which says what it takes', async () => {
    const asked = places()
      .filter((place) => isId(place) && place.declared.extensions.relayGlobalIDFor != null)
      .map((place) => ({ place, value: idOf('Event', '1') }));
    expect(asked.length).toBeGreaterThan(50);
    expect(
      await strays(
        asked,
        (refusals, one) =>
          namesIt(refusals, one) &&
          refusals.every(({ message }) =>
            typesOf(one.place.declared).every((type) => message.includes(type)),
          ),
      ),
    ).toEqual([]);
  });

  test('of nothing that is there: a query finds nothing, a mutation names the input and repeats the id', async () => {
    const asked = places()
      .filter(isId)
      .flatMap((place) => typesOf(place.declared).map((type) => ({ place, value: idOf(type, '999999999') })));
    const places_ = new Set(asked.map(({ place }) => `${place.root}.${place.path.join('.')}`));
    const wrong = await strays(asked, (refusals, { place }) => {
      if (place.kind === 'query') return refusals.every(({ field }) => field?.[0] === place.path[0]);
      return (
        refusals.length === 1 &&
        refusals.every(
          ({ code, field, message }) =>
            /(NOT_FOUND|_UNKNOWN)$/.test(code ?? '') &&
            // Of several ids that are all unknown, the one that was looked at first.
            places_.has(`${place.root}.${withoutNumbers(field ?? [])}`) &&
            message.startsWith(`${field?.slice(1).join('.')}: there is no `) &&
            /with the id "[\w-]+"\. Pass one that a query has given\.$/.test(message),
        )
      );
    });
    expect(wrong).toEqual([]);
  });
});

test('pages of an impossible size and cursors of elsewhere are refused by the name of the argument', async () => {
  const paged = places().filter(({ path }) => /^(first|last|after|before)$/.test(path.join('.')));
  expect(paged.length).toBeGreaterThan(50);
  const asked = paged.flatMap((place) =>
    (/first|last/.test(place.path[0] ?? '')
      ? [-1, 2_000, 100_000]
      : [
          '',
          'garbage',
          '😀',
          idOf('Order', '1'),
          'x'.repeat(5_000),
          Buffer.from('["x",1]').toString('base64'),
        ]
    ).map((value) => ({ place, value })),
  );
  expect(
    await strays(
      asked,
      (refusals, { place }) =>
        refusals.length === 1 &&
        refusals.every(
          ({ code, field, message }) =>
            code === 'BAD_USER_INPUT' &&
            field?.join() === place.path[0] &&
            message.startsWith(`${place.path[0]}: `),
        ),
    ),
  ).toEqual([]);
});

test('nothing that is given to any input reaches our inside, and every refusal has a code', async () => {
  const texts = ['', ' ', '‮ عربي', "'; drop table sales_order; --", '😀'.repeat(2_000), 'x'.repeat(60_000)];
  const asked = places().flatMap((place) => {
    const name = getNamedType(place.type).name;
    const values: Readonly<Record<string, unknown[]>> = {
      String: texts,
      Int: [-1, 0, 2_147_483_647],
      Float: [-1, 1e308],
      Decimal: ['', 'abc', '12,50', '-5', '1.234567', '999999999999999999'],
      DateTime: ['', 'yesterday', '0001-01-01T00:00:00Z', '9999-12-31T00:00:00Z'],
    };
    return (values[name] ?? (isEnumType(place.type) ? ['NOPE', ''] : [])).map((value) => ({ place, value }));
  });
  expect(asked.length).toBeGreaterThan(500);
  expect(
    await strays(asked, (refusals) =>
      refusals.every(
        ({ code, message }) =>
          code !== undefined &&
          code !== 'INTERNAL_SERVER_ERROR' &&
          message.length < 2_000 &&
          !/ at .*\.ts\b|prisma|relation "|syntax error at/i.test(message),
      ),
    ),
  ).toEqual([]);
  expect(api.logLines.filter(({ level }) => level === 'error' || level === 50)).toEqual([]);
});

test('of inputs that are one of several exactly one is taken, however often it is asked', async () => {
  const document = `query Preview($source: CustomFieldSourceInput!) {
    customFieldPreview(input: { owner: ORDER, key: "abc", name: "Abc", type: TEXT, source: $source }) { checked } }`;
  for (const source of [{}, { attribute: 'a', tagPrefix: 'b' }, { attribute: null }])
    for (let time = 0; time < 3; time += 1) {
      const { errors } = await api.ask(document, { source });
      expect(errors, `${JSON.stringify(source)}, time ${time}`).toHaveLength(1);
      expect(errors?.[0].message).toMatch(/source.*exactly one|exactly one.*source/i);
    }
  const { errors } = await api.ask(document, { source: { tagPrefix: '' } });
  expect(errors?.[0]).toMatchObject({
    message: 'source.tagPrefix: must not be empty.',
    extensions: { code: 'INVALID_INPUT', field: ['input', 'source', 'tagPrefix'] },
  });
});

test('an amount beyond all there can be is refused by its name', async () => {
  const document = `query Rich($filter: OrderFilter) { orders(filter: $filter) { totalCount } }`;
  for (const [totalAtLeast, currencyCode, says] of [
    ['999999999999999999', 'USD', 'is more than there can be'],
    ['1.234567', 'USD', 'has more than 2 decimals'],
    ['1.00', null, 'needs `currencyCode`'],
  ]) {
    const { errors } = await api.ask(document, { filter: { totalAtLeast, currencyCode } });
    expect(errors?.[0].message).toContain(says);
    expect(errors?.[0].extensions).toEqual({ code: 'BAD_USER_INPUT', field: ['filter', 'totalAtLeast'] });
  }
});

test('nodes of every kind that are not there are null', async () => {
  for (const type of ['Connection', 'Delivery', 'Push', 'PrivacyRequest', 'Customer', 'Event']) {
    const id = idOf(type, '999999999');
    expect((await api.ask(`{ node(id: "${id}") { id } nodes(ids: ["${id}"]) { id } }`)).data).toEqual({
      node: null,
      nodes: [null],
    });
  }
});
