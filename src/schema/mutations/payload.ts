import type { InputFieldMap } from '@pothos/core';
import type { Prisma as PrismaNamespace } from '../../db/generated/client.ts';
import { builder } from '../builder.ts';
import { type Connection, type Delivery, Push } from '../nodes/sync.ts';
import type { Scope } from '../scopes.ts';
import type { PayloadValue, UserErrorValue } from './mutation.ts';

const UserError = builder.objectRef<UserErrorValue>('UserError').implement({
  description: 'Something the caller can put right. Nothing was changed.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'Stable; for programs.' }),
    field: t.exposeStringList('field', {
      nullable: true,
      description: 'Path of the input at fault, where one is.',
    }),
    message: t.exposeString('message', {
      description: 'What is wrong and what to do about it, in words for people; may change.',
    }),
  }),
});

type InputBuilder = PothosSchemaTypes.InputFieldBuilder<(typeof builder)['$inferSchemaTypes'], 'InputObject'>;

export function idempotencyField(t: InputBuilder) {
  return {
    idempotencyKey: t.string({
      description:
        'Any unique text of yours. Repeating a request with its key within seven days changes nothing and gives the first answer again.',
    }),
  } satisfies InputFieldMap;
}

export function waitFields(t: InputBuilder) {
  return {
    wait: t.boolean({ defaultValue: false, description: 'Answer once the platforms have it.' }),
    waitSeconds: t.int({ description: 'For how long at most; 10 unless told, at most 30.' }),
  } satisfies InputFieldMap;
}

/** The input of what is done about one thing: which one, whatever else there is to say, and the key that makes it harmless to repeat. */
export function inputOn<Fields extends InputFieldMap>(
  name: string,
  thing: typeof Connection | typeof Delivery | typeof Push,
  description: string,
  more: (t: InputBuilder) => Fields,
  which?: string,
) {
  return builder.inputType(name, {
    description,
    fields: (t) => ({
      id: t.globalID({
        for: thing,
        required: true,
        description: which ?? `Id of the ${thing.name.toLowerCase()}.`,
      }),
      ...more(t),
      ...idempotencyField(t),
    }),
  });
}

export function reasonField(t: InputBuilder, description: string) {
  return { reason: t.string({ required: true, description }) } satisfies InputFieldMap;
}

type PayloadBuilder = PothosSchemaTypes.ObjectFieldBuilder<
  (typeof builder)['$inferSchemaTypes'],
  PayloadValue
>;

export function userErrorsField(t: PayloadBuilder) {
  return {
    userErrors: t.field({
      type: [UserError],
      description: 'What was wrong with the request; empty when it was carried out.',
      resolve: (payload) => payload.userErrors,
    }),
  };
}

/** The account, delivery or push that was changed, as it is now. */
export function shownField<Name extends 'connection' | 'delivery' | 'push'>(
  t: PayloadBuilder,
  name: Name,
  thing: typeof Connection | typeof Delivery | typeof Push,
  description: string,
) {
  const field = t.prismaField({
    type: thing as typeof Push,
    nullable: true,
    description,
    authScopes: { can: 'admin' },
    resolve: (query, { subjectId }, _args, context) => {
      if (subjectId === null) return null;
      const rows = context.services.prisma[name] as unknown as { findUnique(wish: object): never };
      return rows.findUnique({ ...query, where: { id: BigInt(subjectId) } });
    },
  });
  return { [name]: field } as Record<Name, typeof field>;
}

/** The fields of a payload that tell what goes to the platforms. Whoever may mutate may see what came of it. */
export function pushFields(t: PayloadBuilder, scope: Scope) {
  return {
    pushes: t.prismaField({
      type: [Push],
      description: 'What the platforms are owed for it; at most 250 of them.',
      authScopes: { can: scope },
      resolve: (query, payload, _args, context) =>
        context.services.prisma.push.findMany({
          ...query,
          where: pushesOfEffect(payload),
          orderBy: { id: 'asc' },
          take: mostPushes,
        }),
    }),
    pushCount: t.int({
      description: 'How many pushes those are in all.',
      resolve: (payload, _args, context) =>
        payload.backlog?.count ??
        (payload.replay === undefined
          ? payload.pushIds.length
          : context.services.prisma.push.count({ where: pushesOfEffect(payload) })),
    }),
    settled: t.boolean({
      nullable: true,
      description:
        'With `wait`: whether every push has ended, well or not (see their status), before time was up. Null without.',
      resolve: (payload) => payload.settled,
    }),
    cursor: t.string({
      nullable: true,
      description: 'Cursor of the last event it caused; null where nothing changed.',
      resolve: (payload) => payload.cursor,
    }),
    ...userErrorsField(t),
  };
}

/** A payload shows so many pushes and no more. */
export const mostPushes = 250;

function pushesOfEffect({ pushIds, replay }: PayloadValue): PrismaNamespace.PushWhereInput {
  return replay === undefined
    ? { id: { in: pushIds.map(BigInt) } }
    : { deliveryId: BigInt(replay.deliveryId), id: { gt: BigInt(replay.after) } };
}
