import type { Logger } from 'pino';
import type { z } from 'zod';
import type { PlatformChange } from '../../model/change.ts';
import type { CustomField, CustomFieldOwner } from '../../model/custom-field.ts';
import type { SubjectType } from '../../model/event.ts';
import type { PlatformName } from '../../model/platform-name.ts';
import type { OrderSnapshot, Snapshot, SummaryFacts } from '../../model/snapshot.ts';
import type { Posting } from '../accounting/documents.ts';

/**
 * The contract of a platform. A folder per platform implements it and one line in the registry names it; the engine
 * knows nothing else of any platform. Pure: `door.split`, `plan`. Network: `interpret` (only to hydrate), `perform`,
 * `prepare`, `sweep`; never inside a transaction. An AppError whose code ends in `_UNAUTHORIZED` says that the platform
 * does not accept our credentials any more: the engine revokes the connection and its work waits for a person.
 */
export interface Platform<Credentials = unknown> {
  name: PlatformName;
  /** Checked when a connection is made and each time its sealed credentials are opened. */
  credentials: z.ZodType<Credentials>;
  door: Door<Credentials>;
  /** What the platform can be asked to write; the names of write capabilities and of push kinds. */
  pushKinds: readonly string[];
  /** Requests that may be started per window, shared by all of a connection's calls in this process. */
  rateLimit: RateLimit;
  /** Pushes under way at the same time in one process; more than usual where many of them travel in one request. */
  concurrentPushes?: number;
  /** Remote types whose links the write path hands to `plan`, by the graph's type. */
  linkTypes: Partial<Record<SubjectType, string>>;
  /** What people may choose for an account, by name; stored with the connection. */
  settings?: Readonly<Record<string, Setting<Credentials>>>;
  /** The choices of how orders are posted; only books have them. */
  policy?: PolicyDesk<Credentials>;
  /** What orders and refunds are in the books, without asking them; only books have it. */
  books?: BooksView;
  /** True for books: what is linked to orders and refunds are documents, which can be voided and posted anew. */
  keepsBooks?: boolean;
  /** Further types that may stand for the graph's type instead: what has one form today may have another tomorrow. */
  otherLinkTypes?: Partial<Record<SubjectType, readonly string[]>>;
  interpret(
    delivery: DeliveryFacts,
    session: Session<Credentials>,
    options: { fresh: boolean },
  ): Promise<Interpretation>;
  /** Which writes the platform is owed for this state of the graph. Pure; an empty list where it holds all of it already. */
  plan(snapshot: Snapshot, context: PlanContext): PushPlan[];
  /** Carries one push out, once: the idempotency key makes repeating it harmless. @throws AppError (retryable or not, with a remedy) */
  perform(push: PushTask, session: Session<Credentials>): Promise<PushOutcome>;
  /**
   * What credentials that were changed by hand keep of those before them: a secret that the platform still signs with for a
   * while. Pure.
   */
  succeed?(
    before: Readonly<Record<string, string>>,
    next: Readonly<Record<string, string>>,
    nowMs: number,
  ): Readonly<Record<string, string>>;
  /** Asks the platform whose credentials these are; only where the account is not part of them. */
  identify?(
    credentials: Credentials,
    options: { baseUrl: string; timeoutMs: number },
  ): Promise<{ accountId: string; name: string }>;
  /** Where the shop is at home; only where a platform tells it. */
  shopHome?(session: Session<Credentials>): Promise<ShopHome>;
  /** Makes the account ready: definitions, webhook subscriptions, checks. Safe to repeat. */
  prepare(session: Session<Credentials>, options: { webhookUrl: string }): Promise<void>;
  /** Ends what `prepare` has asked for: webhook subscriptions. Only where they are ours to end. @returns how many */
  release?(session: Session<Credentials>): Promise<number>;
  /** Looks whether the account has what its work needs, and changes nothing there. What cannot be looked at at all throws. */
  examine(session: Session<Credentials>, question: Examination): Promise<Finding[]>;
  /** Reads these metafields (`namespace.key`) of these owners; only where a platform has such. */
  readMetafields?(
    session: Session<Credentials>,
    wanted: { owner: CustomFieldOwner; remoteIds: readonly string[]; keys: readonly string[] },
  ): Promise<PlatformChange[]>;
  /** What the shop itself says of a day: asked, not remembered. Only where a platform tells it cheaply. */
  takingsBetween?(session: Session<Credentials>, from: Date, to: Date): Promise<Taking[]>;
  /** Documents that the books hold on a day (YYYY-MM-DD), whoever entered them; only books have it. */
  documentsOn?(session: Session<Credentials>, day: string): Promise<BooksDocument[]>;
  /** Everything changed since then, read from the platform: backfill and repair of lost deliveries. */
  sweep(session: Session<Credentials>, options: SweepQuestion): AsyncIterable<PlatformChange[]>;
}

export interface ShopHome {
  /** Whose day it keeps, as IANA name. */
  timeZone: string;
  /** ISO 3166-1 alpha-2; null where the shop does not say. */
  country: string | null;
}

export interface Examination {
  /** Where the account's webhooks should arrive. */
  webhookUrl: string;
  /** Kinds of pushes that are unlocked; `*` is all. */
  writeCapabilities: readonly string[];
}

/** One thing that an account needs for its work, and how it stands. */
export interface Finding {
  /** What was looked at, in a few words: `Webhooks`, `Scopes to read`. */
  subject: string;
  /** `limited`: all goes on, without something that a retailer may want. `broken`: some of the work fails. */
  state: 'good' | 'limited' | 'broken';
  message: string;
  /** What a person can do about it. */
  remedy: string | null;
}

/** What a sweep is to read, and whom it tells how far it is. */
export interface SweepQuestion {
  /** Changes since then; null: everything there is. */
  since: Date | null;
  /** Where an earlier reading of the same broke off, in the platform's own words; absent: from the beginning. */
  from?: SweepPosition;
  /** Told right before a page: once that is applied, a later reading may go on from there. */
  reached?(position: SweepPosition): void;
  /** Told right before a page: about how many changes come after it. */
  remaining?(changes: number): void;
}

/** JSON. */
export type SweepPosition = Readonly<Record<string, unknown>>;

/** One thing that people may choose for an account. */
export interface Setting<Credentials = unknown> {
  /** What it decides, for people. */
  description: string;
  /** What may be chosen, as JSON. */
  schema: z.ZodType;
  /** What holds where nobody has chosen. */
  fallback: unknown;
  /** True where it decides what orders are written there: what the account is owed is planned anew. */
  decidesPlans?: true;
  /** What of a value does not fit the account, in words; null where it fits. Asks the platform, and changes nothing there. */
  misfit?(value: unknown, session: Session<Credentials>): Promise<string | null>;
}

/** Reads, offers and checks the choices that were made for an account. */
export interface PolicyDesk<Credentials = unknown> {
  /** Stored settings with what holds where nothing was chosen. @throws ZodError */
  read(settings: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** What the account has to choose from. */
  choices(session: Session<Credentials>): Promise<PolicyChoices>;
  /** What of these settings does not fit the account; empty where all of it does. */
  check(settings: Readonly<Record<string, unknown>>, session: Session<Credentials>): Promise<PolicyProblem[]>;
}

export interface PolicyChoices {
  accounts: { name: string; type: string; money: boolean }[];
  classes: string[];
  locations: string[];
  taxCodes: string[];
  /** Last day of the closed books. */
  closedUntil: string | null;
  currency: string;
}

/** A choice that does not fit, with what to do about it. */
export interface PolicyProblem {
  field: string;
  message: string;
  /** `refuse`: nothing is written with it. `warn`: it works, and somebody should know. */
  severity: 'refuse' | 'warn';
}

/** How books show what orders and refunds are there. Pure. */
export interface BooksView {
  /** Rows that an order's sale may stand as. */
  forms: readonly string[];
  /** Rows that a refund may stand as. */
  refundForms: readonly string[];
  /** Type of links that stand for a share of a day's document. */
  shareType: string;
  /** Rows of documents that are called otherwise there. */
  rows: Readonly<Record<string, string>>;
  /** `standing`: the rows that stand for the order's sale and for the refund already; null where none does. */
  posting(
    order: OrderSnapshot,
    refundId: bigint | null,
    settings: Readonly<Record<string, unknown>>,
    standing: { order: string | null; refund: string | null },
  ): Posting;
  urlOf(remoteType: string, remoteId: string): string;
}

/** One order placed, or one refund given, as the shop tells it. */
export interface Taking {
  orderRemoteId: string;
  /** Null: the order itself. */
  refundRemoteId: string | null;
  number: string;
  /** Of the order. */
  updatedAt: Date;
  currency: string;
  /** The order's total before refunds, or the money that went back. */
  amountMinor: bigint;
}

/** A document with lines as the books hold it. */
export interface BooksDocument {
  remoteType: string;
  remoteId: string;
  number: string | null;
  currency: string;
  /** Above zero, whatever the document does. */
  totalMinor: bigint;
  /** True for sales, false for what gives back. */
  isSale: boolean;
  /** It bears our mark. */
  isOurs: boolean;
}

export interface RateLimit {
  /** At most this many requests in `windowMs`. */
  requests: number;
  windowMs: number;
  /** At most this many at the same time. */
  concurrent: number;
}

// ── the door ──

/** A request as it reached us; nothing in it is trusted yet. */
export interface WebhookRequest {
  method: string;
  /** The address the platform called: public base URL + path + query. */
  url: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  rawBody: Buffer;
  receivedAtMs: number;
}

export interface Door<Credentials> {
  /** Reads the account from the headers, where the platform puts it there; null: any connection of the platform may match. */
  accountIdOf(request: WebhookRequest): string | null;
  /** True where the headers that carry account and signature are there at all. */
  isSigned(request: WebhookRequest): boolean;
  /** Constant-time; also refuses what lies outside the replay window. */
  verify(request: WebhookRequest, credentials: Credentials): boolean;
  /** Cuts a verified request into deliveries. @throws AppError MALFORMED_WEBHOOK where the body is not what the platform sends. */
  split(request: WebhookRequest): IncomingDelivery[];
}

export interface IncomingDelivery {
  accountId: string;
  /** Unique per connection; the same over retries of one delivery. */
  externalId: string;
  eventId: string | null;
  topic: string;
  /** What it speaks of, for example `order:5551`; deliveries of one subject are processed one after the other. */
  subject: string;
  triggeredAt: Date | null;
  /** Raw bytes, or the part of them that speaks of this subject. */
  body: Buffer;
  /** True where its envelope alone tells that the graph has no use for it: it is stored as ignored and costs no work. */
  ignored?: boolean;
}

// ── reading ──

export interface DeliveryFacts {
  id: bigint;
  topic: string;
  subject: string;
  eventId: string | null;
  triggeredAt: Date | null;
  receivedAt: Date;
  body: Buffer;
}

export type Interpretation =
  | { kind: 'changes'; changes: PlatformChange[] }
  /** Nothing the graph has a use for. */
  | { kind: 'ignored'; reason: string }
  /** A person must act (privacy requests): becomes a dead letter with this remedy. */
  | { kind: 'person'; reason: string; remedy: string };

// ── writing ──

export interface PlanContext {
  connectionId: bigint;
  settings: Readonly<Record<string, unknown>>;
  /** Our link to the platform's row for the snapshot's subject; null where there is none yet. */
  link: LinkFacts | null;
  /** True for the platform the change came from. */
  isOrigin: boolean;
  /** Body of a push about the subject whose effect is not known yet: what it writes may stand there already. */
  inFlight?: unknown;
  /** For a refund: the link to the row of its order, and a push about that order in flight. */
  parent?: { link: LinkFacts | null; inFlight: unknown };
}

export interface LinkFacts {
  remoteType: string;
  remoteId: string;
  remoteVersion: string | null;
  /** What the platform was last known to hold, in the platform's own words. */
  state: Readonly<Record<string, unknown>>;
}

export interface PushPlan {
  /** One of `Platform.pushKinds`. */
  kind: string;
  subjectType: SubjectType;
  subjectId: bigint;
  /** JSON: what the platform's row should say. Readable by a person; all that `perform` needs besides links. */
  body: Record<string, unknown>;
}

/**
 * Body of a push of kind `listingQuantity`: what one listing of a marketplace may sell from now on. An absolute figure, so
 * that repeating or merging such pushes is harmless; how much that is is decided where stock is allocated. Its subject is
 * the variant, and the link of remote type `linkTypes.Variant` between both holds what the marketplace was last known to
 * offer: `{ quantity, fulfilledBy }`.
 */
export interface ListingQuantityBody {
  sku: string;
  /** Whole units, 0 or more. */
  quantity: number;
}

export interface PushTask {
  pushId: bigint;
  kind: string;
  subjectType: SubjectType;
  subjectId: bigint;
  /** The same over every attempt of this push. At most 50 characters. */
  idempotencyKey: string;
  attempt: number;
  body: Readonly<Record<string, unknown>>;
}

export interface PushOutcome {
  /** The row that now stands for the subject. */
  remoteType: string;
  remoteId: string;
  remoteVersion: string | null;
  /** What the platform now holds of the fields that we write; compared by the next `plan`. */
  state: Record<string, unknown>;
  /** True when the row was there already and was taken over. */
  adopted: boolean;
  /** Facts that a person may want: document number, total. */
  detail: Record<string, unknown>;
  /** Rows written on the way: the books' customer, items, CRM line items. */
  links?: NewLink[];
  /** What the platform says after it: applied before the push is settled, so that nobody need wait for the webhook. */
  told?: PlatformChange[];
  /** Documents that sum up a day, and that this changes: they are worked out anew once their day is over. */
  summaries?: SummaryFacts[];
  /** A person wants the documents of those days written over whatever was changed there by hand. */
  isConsent?: true;
  /** Rows that are no more: what stood for them stands for nothing. */
  gone?: { remoteType: string; remoteId: string }[];
}

export interface NewLink {
  entityType: string;
  entityId: bigint;
  remoteType: string;
  remoteId: string;
  remoteVersion: string | null;
  state: Record<string, unknown>;
}

/** Our links at the session's connection. */
export interface Links {
  find(entityType: string, entityIds: readonly bigint[], remoteType: string): Promise<Map<bigint, LinkFacts>>;
  /** Records a row written on the way at once, so that a crash does not forget it. */
  save(link: NewLink): Promise<void>;
  /** Waits for another push to make the link. @throws AppError LINK_PENDING (retryable) when it does not come in time. */
  waitFor(entityType: string, entityId: bigint, remoteType: string, timeoutMs: number): Promise<LinkFacts>;
}

// ── a conversation with one account ──

/**
 * Requests that carried several pushes. Their members are remembered before such a request leaves, so that after a crash
 * or a lost answer it can be repeated as it was, under the same key.
 */
export interface Envelopes {
  /** These pushes travel in one request under this key, and no longer in any earlier one. */
  seal(key: string, pushIds: readonly bigint[]): Promise<void>;
  /** The request in which a push travelled last and that may have taken effect, its members in the order of their ids. */
  find(pushId: bigint): Promise<Envelope | null>;
  /** The request is known to have had no effect: its members may travel otherwise. */
  open(key: string): Promise<void>;
}

export interface Envelope {
  key: string;
  members: { pushId: bigint; body: Readonly<Record<string, unknown>> }[];
}

/** What a platform's code gets to speak with one account; made by the engine, one per connection and process. */
export interface Session<Credentials> {
  connectionId: bigint;
  accountId: string;
  settings: Readonly<Record<string, unknown>>;
  /** Opened afresh at each call: rotation by another process is seen. */
  credentials(): Promise<Credentials>;
  /** Stores rotated credentials, sealed, before they are used. `refresh` runs under a lock: one refresher at a time over all processes. */
  rotate(refresh: (current: Credentials) => Promise<Credentials>): Promise<Credentials>;
  /** What the retailer declared, as it is now: one look at the database. */
  customFields(): Promise<readonly CustomField[]>;
  /**
   * Tells which custom fields the account has on its documents. Documents whose link names one of them among its `missing`
   * (small letters) are planned anew.
   */
  fieldsFound(names: readonly string[]): Promise<void>;
  /** Waits for the connection's rate limit, then runs; every request to the platform goes through it. */
  limited<T>(request: () => Promise<T>): Promise<T>;
  links: Links;
  envelopes: Envelopes;
  /** Base URL of the platform, which can point at a proxy or the sandbox. */
  baseUrl: string;
  timeoutMs: number;
  now(): number;
  log: Logger;
  /** A place for the platform's own client objects, kept as long as the session. */
  cache: Map<string, unknown>;
}
