import { AppError } from '../../../errors.ts';
import { formatMinor, parseMinor } from '../../../model/money.ts';
import { least } from '../../accounting/document-lines.ts';
import type { LinkFacts, NewLink, PushOutcome, PushTask } from '../platform.ts';
import type { QuickBooksSession } from './client.ts';
import { companyOf, companyWithFields } from './company.ts';
import { ensureBuyer } from './customers.ts';
import { areFieldsHeld, writeFormFields } from './form-fields.ts';
import { currentStanding, findOwn, postForm, type Standing, withCompany } from './forms.ts';
import { moneyState, postPayment } from './money-documents.ts';
import { type PaymentBody, receivedByAccount, type SaleBody } from './sale-plan.ts';
import { voidDocument } from './void.ts';

/** Posts the sale of an order: its receipt, or its invoice and then its payments. */
export async function performSale(push: PushTask, session: QuickBooksSession): Promise<PushOutcome> {
  const body = push.body as unknown as SaleBody;
  const link = await orderLink(session, push.subjectId);
  if (body.isVoid === true) return await voidDocument(session, link, body.docNumber);
  await assertSameForm(push, session, body, link);
  const target = { entityType: 'Order', entityId: push.subjectId, link } as const;
  const posted = currentStanding(link, body) ?? (await postForm(push, session, body, target));
  const { fields, missing } = link?.state ?? {};
  const before = {
    ...(fields === undefined ? {} : { fields }),
    ...(missing === undefined ? {} : { missing }),
  };
  const known = { ...posted, state: { ...before, ...posted.state } };
  const standing = await withFields(session, body, push.subjectId, known);
  if (body.type !== 'Invoice') return outcomeOf(body, standing, []);
  // It stands before its payments do: a failure on the way must not lead to a second one.
  await session.links.save({ ...linkTo(body, standing), entityType: 'Order', entityId: push.subjectId });
  return await postPayments(push, session, body, link, standing);
}

/** The document with its custom fields as they should be. It is remembered first: it must not be posted twice for them. */
async function withFields(
  session: QuickBooksSession,
  body: SaleBody,
  orderId: bigint,
  standing: Standing,
): Promise<Standing> {
  if (areFieldsHeld(standing.state, body.fields)) return standing;
  await session.links.save({ ...linkTo(body, standing), entityType: 'Order', entityId: orderId });
  const document = { type: body.type, fields: body.fields ?? [] };
  const names = document.fields.flatMap(({ name, value }) => (value === '' ? [] : [name]));
  return await writeFormFields(session, await companyWithFields(session, names), document, standing);
}

/** The document of an order, whichever form it has. */
export async function orderLink(session: QuickBooksSession, orderId: bigint): Promise<LinkFacts | undefined> {
  const [receipts, invoices] = await Promise.all([
    session.links.find('Order', [orderId], 'SalesReceipt'),
    session.links.find('Order', [orderId], 'Invoice'),
  ]);
  return receipts.get(orderId) ?? invoices.get(orderId);
}

/** A document never turns into another kind: its number, its payments and its deposit hang on it. */
async function assertSameForm(
  push: PushTask,
  session: QuickBooksSession,
  body: SaleBody,
  link: LinkFacts | undefined,
): Promise<void> {
  const other = body.type === 'Invoice' ? 'SalesReceipt' : 'Invoice';
  let isOther = link?.remoteType === other;
  if (link === undefined && push.attempt > 1) {
    const standing = await findOwn(session, await companyOf(session), { ...body, type: other });
    if (standing !== null) {
      await session.links.save({
        entityType: 'Order',
        entityId: push.subjectId,
        remoteType: other,
        remoteId: standing.Id,
        remoteVersion: standing.SyncToken,
        state: {},
      });
      isOther = true;
    }
  }
  if (isOther)
    throw new AppError({
      code: 'QUICKBOOKS_OTHER_FORM',
      retryable: false,
      publicMessage: `Order ${body.docNumber} stands in QuickBooks as another kind of document (${other}).`,
      remedy: 'Post it anew (postingRepost): it is written in the form that stands.',
    });
}

async function postPayments(
  push: PushTask,
  session: QuickBooksSession,
  body: SaleBody,
  link: LinkFacts | undefined,
  standing: Standing,
): Promise<PushOutcome> {
  const received = (link?.state.received ?? {}) as Record<string, string>;
  const steps = paymentSteps(body, received);
  const links: NewLink[] = [];
  if (steps.length > 0)
    await withCompany(session, async (company, isForced) => {
      const customerId = await ensureBuyer(session, company, body.buyer, body.currency, isForced);
      const isRepost = link?.state.consent === true;
      const context = { push, session, company, customerId, isRepost, ...body };
      for (const step of steps) {
        const payment = await postPayment(context, { ...step, invoiceId: standing.id });
        const made: NewLink = {
          entityType: 'Order',
          entityId: push.subjectId,
          remoteType: 'Payment',
          remoteId: payment.Id,
          remoteVersion: payment.SyncToken,
          state: { ...moneyState(payment), account: step.account, gateway: step.gateway },
        };
        await session.links.save(made);
        links.push(made);
      }
    });
  return outcomeOf(body, standing, links);
}

interface PaymentStep extends PaymentBody {
  /** What of it is spent on the invoice. */
  applied: string;
  /** Tells this payment from the others of its account: the sum up to it. */
  key: string;
}

/**
 * The payments that are missing. They are counted up by account, because a platform may tell one sum now and its parts
 * later: what is posted already is not looked at again.
 */
function paymentSteps(body: SaleBody, received: Readonly<Record<string, string>>): PaymentStep[] {
  const { currency } = body;
  const minor = (text: string): bigint => parseMinor(text, currency);
  const posted = new Map(Object.entries(received).map(([account, sum]) => [account, minor(sum)]));
  let openMinor = minor(body.total) - minor(body.credited);
  for (const sum of posted.values()) openMinor -= sum;
  const counted = new Map<string, bigint>();
  const steps: PaymentStep[] = [];
  for (const payment of body.payments) {
    const name = payment.account ?? '';
    const before = counted.get(name) ?? 0n;
    const after = before + minor(payment.amount);
    counted.set(name, after);
    const known = posted.get(name) ?? 0n;
    const missing = after - (known > before ? known : before);
    if (missing <= 0n) continue;
    const applied = openMinor > 0n ? least(openMinor, missing) : 0n;
    openMinor -= applied;
    steps.push({
      ...payment,
      amount: formatMinor(missing, currency),
      applied: formatMinor(applied, currency),
      key: `${name} ${formatMinor(after, currency)}`,
    });
  }
  return steps;
}

function outcomeOf(body: SaleBody, standing: Standing, links: NewLink[]): PushOutcome {
  const link = linkTo(body, standing);
  const state =
    body.type === 'Invoice'
      ? { ...link.state, received: receivedByAccount(body.payments, body.currency) }
      : link.state;
  return { ...link, state, adopted: standing.adopted, detail: standing.detail, links };
}

function linkTo(body: SaleBody, standing: Standing): Omit<NewLink, 'entityType' | 'entityId'> {
  return {
    remoteType: body.type,
    remoteId: standing.id,
    remoteVersion: standing.version,
    state: standing.state,
  };
}
