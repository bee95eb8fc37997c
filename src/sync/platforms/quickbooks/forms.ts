import { AppError } from '../../../errors.ts';
import type { LinkFacts, PushTask } from '../platform.ts';
import { labelled, moneyAccount, undepositedFunds } from './accounts.ts';
import { booksOf, type Entity, type QuickBooksSession } from './client.ts';
import { type Company, companyOf, forgetReferences, readCompany, roleItem } from './company.ts';
import { correct } from './corrections.ts';
import { ensureBuyer, requestIdOf } from './customers.ts';
import {
  alreadyDeposited,
  awaitingCredit,
  businessRule,
  deadReferences,
  docNumberTaken,
  Fault,
  isClosedBooks,
  isFault,
} from './fault.ts';
import { amountText, contentHash, type FormBody, formState, markIn, noteWithMark } from './form-body.ts';
import { assertPostable, formEntity, rolesOf } from './form-entity.ts';
import { candidates } from './numbered.ts';
import { ensureProducts } from './products.ts';
import { type QuickBooksSettings, type Role, readSettings } from './settings.ts';
import { changedByHand, updateStanding } from './update-standing.ts';

/** A document as it stands in the books now. */
export interface Standing {
  id: string;
  version: string;
  state: Record<string, unknown>;
  adopted: boolean;
  /** Facts that a person may want. */
  detail: Record<string, unknown>;
}

/** What a document is posted for, and how it is known. */
export interface PostingTarget {
  entityType: 'Order' | 'Refund' | 'DaySummary';
  entityId: bigint;
  link: LinkFacts | undefined;
}

/** A created document that is older than this was not created just now: the answer is a replay. */
const replayAgeMs = 2 * 60_000;

/**
 * Posts a document once. Buyer and items are found or made side by side, then it is written: one call where they are
 * known. Creation carries one request id per source, whatever the version, so that an answer lost on the way never leads
 * to a second document.
 */
export async function postForm(
  push: PushTask,
  session: QuickBooksSession,
  body: FormBody,
  target: PostingTarget,
): Promise<Standing> {
  return await withCompany(session, (company, isForced) =>
    new FormPosting(push, session, body, target, company).run(isForced),
  );
}

/** The document as its link remembers it, where that is this version already; null where it has to be written. */
export function currentStanding(link: LinkFacts | undefined, body: FormBody): Standing | null {
  if (link === undefined || link.remoteType !== body.type || link.remoteVersion === null) return null;
  if (link.state.mark !== body.mark || link.state.consent === true) return null;
  const { total, currency, docNumber, date } = link.state;
  return {
    id: link.remoteId,
    version: link.remoteVersion,
    state: { ...link.state },
    adopted: false,
    detail: { docNumber, total, currency, date },
  };
}

/** Runs with what is known of the company; once more, freshly read, where that turned out to be out of date. */
export async function withCompany<T>(
  session: QuickBooksSession,
  work: (company: Company, isForced: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await work(await companyOf(session), false);
  } catch (error) {
    const isDeadReference = isFault(error, ...deadReferences);
    if (!isDeadReference && !isClosedBooks(error)) throw error;
    if (isDeadReference) forgetReferences(session);
    return await work(await readCompany(session), isDeadReference);
  }
}

/** A document of ours, known by its mark: a number alone may be anybody's. */
export async function findOwn(
  session: QuickBooksSession,
  company: Company,
  body: Pick<FormBody, 'type' | 'docNumber' | 'source' | 'date'>,
): Promise<Entity | null> {
  const found = await candidates(session, company, body);
  return found.find((one) => markIn(one)?.source === body.source) ?? null;
}

/** The same refund, told before and taken back since: its document has to go first. */
async function hasPredecessor(
  session: QuickBooksSession,
  company: Company,
  body: Pick<FormBody, 'type' | 'docNumber' | 'source' | 'date'>,
): Promise<boolean> {
  const family = /^(.*:refund:.*):\d+$/.exec(body.source)?.[1];
  if (family === undefined) return false;
  const found = await candidates(session, company, body);
  return found.some((one) => markIn(one)?.source.startsWith(`${family}:`) === true);
}

class FormPosting {
  readonly #push: PushTask;
  readonly #session: QuickBooksSession;
  readonly #body: FormBody;
  readonly #target: PostingTarget;
  readonly #company: Company;
  readonly #settings: QuickBooksSettings;

  constructor(
    push: PushTask,
    session: QuickBooksSession,
    body: FormBody,
    target: PostingTarget,
    company: Company,
  ) {
    this.#push = push;
    this.#session = session;
    this.#body = body;
    this.#target = target;
    this.#company = company;
    this.#settings = readSettings(session.settings);
  }

  async run(isForced: boolean): Promise<Standing> {
    const { link } = this.#target;
    const isConsented = link?.state.consent === true;
    // QuickBooks told that it is gone. Whoever deleted it meant it, until they say otherwise.
    if (link !== undefined && link.remoteVersion === null && !isConsented) throw deleted(this.#body);
    assertPostable(this.#body, this.#company, this.#settings);
    const references = await this.#references(isForced);
    const entity = formEntity(this.#body, references, this.#company, this.#settings);
    if (link !== undefined && !(isConsented && link.remoteVersion === null)) {
      try {
        return await this.#update(entity, link.remoteId, link.remoteVersion, link);
      } catch (error) {
        if (!isConsented || !(error instanceof AppError) || error.code !== 'QUICKBOOKS_GONE') throw error;
      }
    }
    if (this.#push.attempt > 1) {
      const existing = await findOwn(this.#session, this.#company, this.#body);
      if (existing !== null) return await this.#takeOver(entity, existing);
    }
    // The request id of the first document would only bring back the answer of then.
    const requestId =
      link === undefined
        ? requestIdOf(this.#body.type, this.#session.accountId, this.#body.source)
        : this.#push.idempotencyKey;
    return await this.#create(entity, requestId);
  }

  async #create(entity: Record<string, unknown>, requestId: string): Promise<Standing> {
    const books = booksOf(this.#session);
    const { type } = this.#body;
    let created: Entity;
    try {
      created = await books.create(type, entity, { requestId });
    } catch (error) {
      if (!isFault(error, docNumberTaken)) throw error;
      const existing = await findOwn(this.#session, this.#company, this.#body);
      if (existing !== null) return await this.#takeOver(entity, existing);
      if (await hasPredecessor(this.#session, this.#company, this.#body)) throw awaitingCredit(error);
      // Somebody else's document has this number; ours keeps the order's.
      created = await books.create(type, entity, { requestId, allowDuplicateDocNumber: true });
    }
    if (this.#session.now() - Date.parse(created.MetaData.CreateTime) > replayAgeMs) {
      const current = await books.read(type, created.Id);
      if (current === null) {
        // It was posted before and deleted since; whoever asks again wants it again.
        created = await books.create(type, entity, { requestId: this.#push.idempotencyKey });
        return await this.#standing(created, false);
      }
      return await this.#takeOver(entity, current);
    }
    // The first answer to this request id may speak of an earlier version.
    if (markIn(created)?.mark !== this.#body.mark) return await this.#takeOver(entity, created);
    return await this.#standing(created, false);
  }

  /** A document of ours that stands already: brought up to date where it holds another version. */
  async #takeOver(entity: Record<string, unknown>, existing: Entity): Promise<Standing> {
    if (markIn(existing)?.mark === this.#body.mark) return await this.#standing(existing, true);
    const standing = await this.#update(entity, existing.Id, existing.SyncToken, null);
    return { ...standing, adopted: true };
  }

  async #update(
    entity: Record<string, unknown>,
    id: string,
    version: string | null,
    link: LinkFacts | null,
  ): Promise<Standing> {
    const { type } = this.#body;
    const isConsented = link === null || link.state.consent === true;
    const written = typeof link?.state.written === 'string' ? link.state.written : null;
    if (!isConsented && written !== null && link?.state.content !== written)
      throw changedByHand(type, this.#body.docNumber);
    const books = booksOf(this.#session);
    try {
      // Lines are replaced as a whole; what people added elsewhere in the document stays.
      const updated = await updateStanding(books, type, { id, version }, entity, {
        requestId: this.#push.idempotencyKey,
        refuse: (current) =>
          !isConsented && written !== null && contentHash(current) !== written
            ? changedByHand(type, this.#body.docNumber)
            : null,
      });
      return await this.#standing(updated, false);
    } catch (error) {
      // Credit of a return is still applied to what is no longer owed: its own push takes it back.
      if (type === 'Invoice' && isFault(error, businessRule)) throw awaitingCredit(error);
      const isFixed = isClosedBooks(error) || isFault(error, alreadyDeposited);
      if (!isFixed || link === null || this.#settings.closedBooks === 'refuse') throw error;
      // A refusal may rest on an old closing date: what holds now decides on the second run.
      const company = isClosedBooks(error) ? await readCompany(this.#session) : this.#company;
      const corrected = await correct({
        push: this.#push,
        session: this.#session,
        company,
        body: this.#body,
        wanted: entity,
        standingId: id,
        target: this.#target,
      });
      return {
        id,
        version: corrected.standing.SyncToken,
        adopted: false,
        state: {
          ...formState(corrected.standing),
          written: contentHash(corrected.standing),
          mark: this.#body.mark,
          // What stands is this together with its corrections.
          corrected: this.#body.total,
          value: this.#body.value,
        },
        detail: { ...this.#detail(corrected.standing), correction: corrected.detail },
      };
    }
  }

  async #references(isForced: boolean): Promise<Parameters<typeof formEntity>[1]> {
    const body = this.#body;
    const session = this.#session;
    const products = body.lines.flatMap((line) => line.product ?? []);
    const roles = [...rolesOf(body, this.#company, this.#settings)];
    const [customerId, productIds, roleIds, depositAccountId, classId, locationId] = await Promise.all([
      ensureBuyer(session, this.#company, body.buyer, body.currency, isForced),
      ensureProducts(session, products, isForced),
      Promise.all(roles.map((role) => roleItem(session, role))),
      this.#account(),
      labelled(session, 'Class', body.class),
      labelled(session, 'Department', body.location),
    ]);
    const idByRole = new Map<Role, string>(roles.map((role, index) => [role, roleIds[index] ?? '']));
    const roleId = (role: Role): string => idByRole.get(role) ?? '';
    let next = 0;
    return {
      customerId,
      itemIds: body.lines.map((line) =>
        line.product === null ? roleId(line.kind) : (productIds[next++] ?? ''),
      ),
      roleItem: roleId,
      depositAccountId,
      classId,
      locationId,
    };
  }

  /** A refund receipt has to say where its money comes from; a sale without a word goes to QuickBooks's own account. */
  async #account(): Promise<string | null> {
    const { type, account } = this.#body;
    if (type === 'Invoice' || type === 'CreditMemo') return null;
    if (account !== null) return await moneyAccount(this.#session, account);
    return type === 'RefundReceipt' ? await undepositedFunds(this.#session) : null;
  }

  #detail(entity: Entity): Record<string, unknown> {
    return {
      docNumber: entity.DocNumber ?? null,
      total: amountText(entity.TotalAmt, this.#body.currency),
      currency: this.#body.currency,
      date: entity.TxnDate ?? null,
    };
  }

  async #standing(entity: Entity, adopted: boolean): Promise<Standing> {
    const { type, total, currency, value } = this.#body;
    const standing: Standing = {
      id: entity.Id,
      version: entity.SyncToken,
      state: { ...formState(entity), written: contentHash(entity), value },
      adopted,
      detail: this.#detail(entity),
    };
    if (standing.detail.total === total) return standing;
    // It stands: it is remembered before anything else, so that it is never written a second time.
    await this.#session.links.save({
      entityType: this.#target.entityType,
      entityId: this.#target.entityId,
      remoteType: type,
      remoteId: standing.id,
      remoteVersion: standing.version,
      state: standing.state,
    });
    throw new AppError({
      code: 'BOOKS_DISAGREE',
      retryable: false,
      publicMessage: `QuickBooks made ${String(standing.detail.total)} of ${this.#body.docNumber}; it should be ${total} ${currency}.`,
      remedy:
        'Compare the document with the order in QuickBooks: tax settings of the company are the usual cause. Then retry.',
      cause: new Fault({ status: 200, code: '', message: noteWithMark(this.#body) }),
    });
  }
}

function deleted(body: FormBody): AppError {
  return new AppError({
    code: 'QUICKBOOKS_GONE',
    retryable: false,
    publicMessage: `The document ${body.docNumber} was deleted in QuickBooks.`,
    remedy: 'Post it anew (postingRepost) to have it written again, or leave it: nothing else waits for it.',
  });
}
