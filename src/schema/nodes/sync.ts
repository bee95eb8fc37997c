import type { SubjectType } from '../../model/event.ts';
import { type SettingValue, settingsOf } from '../../sync/connections/settings.ts';
import type { Finding as StoredFinding } from '../../sync/platforms/platform.ts';
import { builder, pageComplexity } from '../builder.ts';
import {
  CircuitStateEnum,
  ConnectionStatusEnum,
  DeliveryOutcomeEnum,
  DeliveryStatusEnum,
  enumOf,
  PlatformEnum,
  PushStatusEnum,
  SubjectTypeEnum,
} from '../enums.ts';
import { scopeOfType } from '../scopes.ts';
import { PlatformRecord, recordWritten } from './platform-record.ts';

// The console of the sync is read by people, not in bulk: Prisma loads it, with the fields and relations asked for.

const id = { field: 'id', description: 'Globally unique and stable; opaque.' } as const;

const AuthorityReviewStatusEnum = enumOf('FieldAuthorityReviewStatus', 'How far the working out has come.', {
  waiting: 'Its turn comes.',
  running: 'Under way.',
  finished: 'Every customer of the account is as it was chosen last.',
});

builder.prismaObject('AuthorityReview', {
  name: 'FieldAuthorityReview',
  description:
    'The working out anew of an account’s customers after it was chosen who is believed about a field.',
  fields: (t) => ({
    status: t.field({
      type: AuthorityReviewStatusEnum,
      description: 'How far it has come.',
      resolve: (review) => review.status as 'waiting' | 'running' | 'finished',
    }),
    total: t.exposeInt('total', { description: 'Customers that there were when it began.' }),
    done: t.exposeInt('done', { description: 'Customers looked at so far.' }),
    changed: t.exposeInt('changed', {
      description: 'Customers of whom anything is another value than before.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'What holds it up, in words.' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true, description: 'When it began.' }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true, description: 'When it ended.' }),
  }),
});

const FindingStateEnum = enumOf('ConnectionFindingState', 'How one thing that an account needs stands.', {
  good: 'As it should be.',
  limited: 'All goes on, without something that one may want.',
  broken: 'Some of the work fails until somebody has acted.',
});

const Finding = builder.objectRef<StoredFinding>('ConnectionFinding').implement({
  description: 'One thing that an account needs for its work, and how it stands.',
  fields: (t) => ({
    subject: t.exposeString('subject', {
      description: 'What was looked at, for example `Webhooks`, `Scopes to read`.',
    }),
    state: t.expose('state', { type: FindingStateEnum, description: 'How it stands.' }),
    message: t.exposeString('message', { description: 'The same in words.' }),
    remedy: t.exposeString('remedy', { nullable: true, description: 'What a person can do about it.' }),
  }),
});

const ConnectionSetting = builder.objectRef<SettingValue>('ConnectionSetting').implement({
  description: 'One thing that may be chosen for an account, with `connectionUpdate`.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Its name.' }),
    description: t.exposeString('description', { description: 'What it decides.' }),
    value: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What holds now.',
      resolve: ({ value }) => value,
    }),
    isChosen: t.exposeBoolean('isChosen', {
      description: 'False where nobody has chosen it: the value is what holds then.',
    }),
  }),
});

export const Connection = builder.prismaNode('Connection', {
  nullable: true,
  description: 'One authorised account at a platform.',
  id,
  fields: (t) => ({
    platform: t.expose('platform', { type: PlatformEnum, description: 'The platform.' }),
    accountId: t.exposeString('accountId', {
      description: "The platform's own name of the account: shop domain, portal id, realm id or seller id.",
    }),
    name: t.exposeString('name', { description: 'What people call it.' }),
    status: t.expose('status', { type: ConnectionStatusEnum, description: 'Whether it is kept in step.' }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why it is paused or revoked, in words.',
    }),
    writeCapabilities: t.exposeStringList('writeCapabilities', {
      description:
        'What may be written there, for example `contact`, `salesReceipt`; `*` is everything. Empty: it only observes and pushes stay plans.',
    }),
    fieldAuthority: t.field({
      type: 'JSON',
      description:
        'How far this account is believed about fields of customers, by field; a field that is not named goes by age. Set by `connectionFieldAuthoritySet`.',
      resolve: (connection) =>
        (connection.settings as { fieldAuthority?: Record<string, string> } | null)?.fieldAuthority ?? {},
    }),
    fieldAuthorityReview: t.relation('authorityReview', {
      nullable: true,
      description: 'The working out anew of its customers by `fieldAuthority`; null where nobody ever chose.',
    }),
    availableCapabilities: t.stringList({
      description: 'What could be unlocked: the kinds of writes this platform knows.',
      resolve: (connection, _args, context) => [
        ...(context.services.platforms[connection.platform]?.pushKinds ?? []),
      ],
    }),
    circuit: t.field({
      type: CircuitStateEnum,
      description: 'Whether calls are made at all.',
      resolve: (connection) => circuitOf(connection, Date.now()),
    }),
    circuitReason: t.exposeString('circuitReason', {
      nullable: true,
      description: 'Why the circuit opened, in words.',
    }),
    circuitOpenUntil: t.expose('circuitOpenUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'When the next call is tried.',
    }),
    lastSuccessAt: t.expose('lastSuccessAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the platform last answered a call as it should.',
    }),
    lastDeliveryAt: t.expose('lastDeliveryAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When its latest delivery was received.',
    }),
    sweptUntil: t.expose('sweptUntil', {
      type: 'DateTime',
      nullable: true,
      description: 'How far the last sweep has read.',
    }),
    settings: t.field({
      type: [ConnectionSetting],
      description:
        'What may be chosen for the account, and what holds now. How orders are posted in books is `postingPolicy`.',
      resolve: ({ platform, settings }, _args, context) =>
        settingsOf(context.services.platforms[platform], settings as Record<string, unknown>),
    }),
    findings: t.field({
      type: [Finding],
      description:
        'What the last look at the account found: scopes, webhooks, settings. It is taken at the start and once an hour; `npx tributary doctor` takes it at once.',
      resolve: ({ findings }) => findings as unknown as StoredFinding[],
    }),
    examinedAt: t.expose('examinedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When that was; null where it was never looked at.',
    }),
    deliveries: t.relatedConnection(
      'deliveries',
      {
        cursor: 'id',
        description: 'What it told us, latest first.',
        totalCount: true,
        complexity: pageComplexity,
        authScopes: { can: 'read:sync' },
        query: { orderBy: { id: 'desc' } },
      },
      {},
    ),
    pushes: t.relatedConnection(
      'pushes',
      {
        cursor: 'id',
        description: 'What it is or was owed, latest first.',
        totalCount: true,
        complexity: pageComplexity,
        authScopes: { can: 'read:sync' },
        query: { orderBy: { id: 'desc' } },
      },
      {},
    ),
  }),
});

/** After the pause the next call is a trial: until it succeeds, failures are still counted. */
export function circuitOf(
  connection: { circuitOpenUntil: Date | null; consecutiveFailures: number },
  nowMs: number,
): 'closed' | 'open' | 'half_open' {
  if (connection.circuitOpenUntil === null) return 'closed';
  if (connection.circuitOpenUntil.getTime() > nowMs) return 'open';
  return connection.consecutiveFailures > 0 ? 'half_open' : 'closed';
}

class ContentErasedError extends Error {}
class ContentUnreadableError extends Error {}

builder.objectType(ContentErasedError, {
  name: 'ContentErased',
  description:
    'The bytes are no longer kept: they are older than INBOX_RETENTION_DAYS, or privacy demanded it.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'The same in words.' }),
  }),
});

builder.objectType(ContentUnreadableError, {
  name: 'ContentUnreadable',
  description: 'The bytes are not JSON.',
  fields: (t) => ({
    message: t.exposeString('message', { description: 'Why, in words.' }),
  }),
});

const DeliveryContent = builder.objectRef<{ json: unknown }>('DeliveryContent').implement({
  description: 'What a platform sent.',
  fields: (t) => ({
    json: t.expose('json' as never, {
      type: 'JSON',
      description: 'Parsed; numbers beyond 2^53 are given as strings.',
    }),
  }),
});

interface DismissalValue {
  at: Date;
  by: string;
  reason: string;
}

const Dismissal = builder.objectRef<DismissalValue>('Dismissal').implement({
  description: 'A dead letter was closed by a person.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was closed.' }),
    by: t.exposeString('by', { description: 'Who closed it, for example `key:office`.' }),
    reason: t.exposeString('reason', {
      description: 'Why, in the words of that person; empty where privacy demanded that they be forgotten.',
    }),
  }),
});

function dismissalOf(row: {
  dismissedAt: Date | null;
  dismissedBy: string | null;
  dismissedReason: string | null;
}): DismissalValue | null {
  return row.dismissedAt === null
    ? null
    : { at: row.dismissedAt, by: row.dismissedBy ?? '', reason: row.dismissedReason ?? '' };
}

export const Delivery = builder.prismaNode('Delivery', {
  nullable: true,
  description: 'One webhook or notification as received.',
  id,
  fields: (t) => ({
    connection: t.relation('connection', {
      description: 'Who sent it.',
      authScopes: { can: 'read:sync' },
    }),
    externalId: t.exposeString('externalId', {
      description: "The platform's id of this delivery; the same over its retries.",
    }),
    topic: t.exposeString('topic', {
      description: "What happened, in the platform's words, for example `orders/create`.",
    }),
    subject: t.exposeString('subject', { description: 'What it happened to, for example `order:5551`.' }),
    triggeredAt: t.expose('triggeredAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the platform says it happened.',
    }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When it was received here.' }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was done with.',
    }),
    status: t.expose('status', { type: DeliveryStatusEnum, description: 'How far it has come.' }),
    outcome: t.expose('outcome', {
      type: DeliveryOutcomeEnum,
      nullable: true,
      description: 'What it changed, once settled.',
    }),
    attempts: t.exposeInt('attempts', { description: 'How often processing was begun.' }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again.',
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'Stable code of the last failure.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'The last failure in words.' }),
    remedy: t.exposeString('remedy', { nullable: true, description: 'What a person can do about it.' }),
    dismissal: t.field({
      type: Dismissal,
      nullable: true,
      description:
        'Who closed it and why, where a person did; what it failed of stays in `error` and `remedy`.',
      resolve: dismissalOf,
    }),
    content: t.field({
      type: DeliveryContent,
      nullable: true,
      description:
        'What was sent: personal data, as the platform wrote it. Null where the key may not see it.',
      authScopes: { $all: { can: 'read:customers', $all: { can: 'read:orders' } } },
      errors: {
        types: [ContentErasedError, ContentUnreadableError],
        union: { name: 'DeliveryContentResult', description: 'What was sent, or why it cannot be shown.' },
      },
      resolve: async (delivery, _args, context) => {
        const row = await context.services.prisma.delivery.findUniqueOrThrow({
          where: { id: delivery.id },
          select: { body: true },
        });
        return readContent(Buffer.from(row.body));
      },
    }),
    pushes: t.relation('pushes', {
      description: 'The writes it caused.',
      authScopes: { can: 'read:sync' },
      query: { orderBy: { id: 'asc' }, take: 250 },
    }),
  }),
});

/** Ids of 64 bits are shown as strings: a number would be shown rounded. */
function readContent(body: Buffer): { json: unknown } {
  if (body.length === 0) throw new ContentErasedError('The content of this delivery is no longer kept.');
  try {
    return {
      json: JSON.parse(body.toString('utf8'), ((_key: string, value: unknown, source: { source?: string }) =>
        typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source.source ?? '')
          ? source.source
          : value) as (key: string, value: unknown) => unknown),
    };
  } catch {
    throw new ContentUnreadableError('The content of this delivery is not JSON.');
  }
}

builder.prismaObject('Receipt', {
  description: 'What a platform answered to a push.',
  fields: (t) => ({
    attempt: t.exposeInt('attempt', { description: 'Which attempt it answers.' }),
    remoteId: t.exposeString('remoteId', {
      nullable: true,
      description: "The platform's id of the row written.",
    }),
    remoteVersion: t.exposeString('remoteVersion', {
      nullable: true,
      description: "The platform's version of it.",
    }),
    adopted: t.exposeBoolean('adopted', {
      description: 'True when the row was already there and was taken over instead of written again.',
    }),
    detail: t.field({
      type: 'JSON',
      description: 'Facts of the answer that a person may want: document number, total.',
      resolve: (receipt) => receipt.detail,
    }),
    durationMs: t.exposeInt('durationMs', { description: 'How long the platform took, in milliseconds.' }),
    receivedAt: t.expose('receivedAt', { type: 'DateTime', description: 'When it answered.' }),
  }),
});

export const Push = builder.prismaNode('Push', {
  nullable: true,
  description: 'One write we owe a platform.',
  id,
  fields: (t) => ({
    connection: t.relation('connection', {
      description: 'Where it is written.',
      authScopes: { can: 'read:sync' },
    }),
    kind: t.exposeString('kind', { description: 'What is written, for example `contact`, `salesReceipt`.' }),
    subjectType: t.field({
      type: SubjectTypeEnum,
      description: 'What it is about.',
      resolve: (push) => push.subjectType as SubjectType,
    }),
    subject: t.node({
      description: 'What it is about, as it is now.',
      authScopes: (push) => ({ can: scopeOfType[push.subjectType as SubjectType] }),
      id: (push) => ({ type: push.subjectType, id: push.subjectId.toString() }),
    }),
    version: t.exposeInt('version', {
      description: 'How often this thing has been planned for this platform; part of the idempotency key.',
    }),
    idempotencyKey: t.exposeString('idempotencyKey', {
      description: 'The key sent to the platform so that repeating is harmless.',
    }),
    body: t.field({
      type: 'JSON',
      nullable: true,
      description:
        "What the platform's row should say, in our words. Null where the key may not see the subject.",
      authScopes: (push) => ({ can: scopeOfType[push.subjectType as SubjectType] }),
      resolve: (push) => push.body,
    }),
    status: t.expose('status', { type: PushStatusEnum, description: 'How far it has come.' }),
    attempts: t.exposeInt('attempts', { description: 'How often it was begun.' }),
    nextAttemptAt: t.expose('nextAttemptAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is tried again.',
    }),
    errorCode: t.exposeString('errorCode', {
      nullable: true,
      description: 'Stable code of the last failure.',
    }),
    error: t.exposeString('error', { nullable: true, description: 'The last failure in words.' }),
    remedy: t.exposeString('remedy', { nullable: true, description: 'What a person can do about it.' }),
    dismissal: t.field({
      type: Dismissal,
      nullable: true,
      description:
        'Who closed it and why, where a person did; what it failed of stays in `error` and `remedy`.',
      resolve: dismissalOf,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was planned.' }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the platform had it.',
    }),
    delivery: t.relation('delivery', {
      nullable: true,
      description: 'The delivery that caused it, where one did.',
      authScopes: { can: 'read:sync' },
    }),
    receipts: t.relation('receipts', {
      description: 'What the platform answered.',
      query: { orderBy: { id: 'asc' } },
    }),
    record: t.field({
      type: PlatformRecord,
      nullable: true,
      description: "The platform's record that it wrote; null until the platform has answered.",
      resolve: (push, _args, context) => recordWritten(context, push.id.toString()),
    }),
  }),
});
