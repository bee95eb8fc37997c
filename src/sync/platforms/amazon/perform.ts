import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { AppError } from '../../../errors.ts';
import type { LinkFacts, ListingQuantityBody, PushOutcome, PushTask } from '../platform.ts';
import { type AmazonSession, ask } from './client.ts';
import { isMerchantFulfilled, merchantQuantity } from './normalise-stock.ts';
import { type IssuePayload, type ListingPayload, submissionAnswer } from './payloads.ts';
import { listingPath, readListing } from './read.ts';
import { linkTypes, merchantChannel } from './vocabulary.ts';

const quantityBody = z.object({
  sku: z.string().min(1),
  quantity: z.number().int().nonnegative(),
}) satisfies z.ZodType<ListingQuantityBody>;

/** Waits between looks at whether an accepted quantity was applied, in ms. What takes longer is looked at by a later attempt. */
const looksAfterMs = [150, 350, 750, 1_500, 3_000];
/** Amazon needs minutes where it is busy. */
const lookAgainAfterMs = 60_000;

/** Tells Amazon how many of an offer may be sold, and makes sure that it does say so afterwards. */
export async function perform(push: PushTask, session: AmazonSession): Promise<PushOutcome> {
  const body = quantityBody.parse(push.body);
  const link = (await session.links.find(push.subjectType, [push.subjectId], linkTypes.Variant)).get(
    push.subjectId,
  );
  // An earlier attempt may have been accepted and only not been applied yet; an offer that we do not know may be Amazon's.
  if (push.attempt > 1 || !isKnownAsOurs(link, body.sku)) {
    const listing = await readOwn(session, body.sku);
    if (merchantQuantity(listing) === body.quantity) return outcome(body, { applied: 'before' }, true);
  }
  const submission = await patch(session, body);
  refuseErrors(body, submission.issues ?? [], submission.status);
  const startedMs = session.now();
  for (const waitMs of looksAfterMs) {
    await sleep(waitMs);
    const listing = await readOwn(session, body.sku);
    if (merchantQuantity(listing) === body.quantity)
      return outcome(
        body,
        { submissionId: submission.submissionId, appliedAfterMs: session.now() - startedMs },
        false,
      );
    refuseErrors(body, listing.issues ?? [], 'ACCEPTED');
  }
  throw new AppError({
    code: 'LISTING_NOT_APPLIED',
    retryable: true,
    retryAfterMs: lookAgainAfterMs,
    publicMessage: `Amazon accepted the quantity ${body.quantity} of ${body.sku} and does not show it yet.`,
    remedy:
      'Look at the offer in Seller Central: another tool or a person may change its quantity at the same time.',
  });
}

function isKnownAsOurs(link: LinkFacts | undefined, sku: string): boolean {
  return link?.remoteId === sku && link.state.fulfilledBy === 'merchant';
}

/** @throws AppError where there is no such offer, or where Amazon sends the goods itself */
async function readOwn(session: AmazonSession, sku: string): Promise<ListingPayload> {
  const listing = await readListing(session, sku);
  if (listing === null)
    throw new AppError({
      code: 'LISTING_UNKNOWN',
      retryable: false,
      publicMessage: `Amazon has no offer ${sku}.`,
      remedy: 'Create the offer in Seller Central under this very SKU, or stop publishing it to Amazon.',
    });
  if (!isMerchantFulfilled(listing))
    throw new AppError({
      code: 'LISTING_FULFILLED_BY_AMAZON',
      retryable: false,
      publicMessage: `Amazon sends ${sku} from its own stock: its quantity is not ours to publish.`,
      remedy:
        'Stop publishing this SKU to Amazon, or change its fulfilment to the merchant in Seller Central first.',
    });
  return listing;
}

async function patch(
  session: AmazonSession,
  { sku, quantity }: ListingQuantityBody,
): Promise<z.infer<typeof submissionAnswer>> {
  const { marketplaceId } = await session.credentials();
  const answer = await ask(
    session,
    {
      operation: 'patchListingsItem',
      method: 'PATCH',
      path: listingPath(session, sku),
      query: { marketplaceIds: [marketplaceId], includedData: ['issues'] },
      body: {
        // The generic type: a patch of availability needs no attribute of the goods' own type.
        productType: 'PRODUCT',
        patches: [
          {
            op: 'replace',
            path: '/attributes/fulfillment_availability',
            value: [{ fulfillment_channel_code: merchantChannel, quantity }],
          },
        ],
      },
    },
    'wait',
  );
  return submissionAnswer.parse(answer);
}

/** Errors about the quantity, or about the whole submission; what else is wrong with an offer does not keep its quantity back. */
function refuseErrors(
  { sku, quantity }: ListingQuantityBody,
  issues: readonly IssuePayload[],
  status: string,
): void {
  const errors = issues.filter(
    (issue) =>
      issue.severity === 'ERROR' &&
      (status === 'INVALID' || (issue.attributeNames ?? []).includes('fulfillment_availability')),
  );
  if (status !== 'INVALID' && errors.length === 0) return;
  const said = errors.map((issue) => `${issue.code}: ${issue.message}`).join(' · ');
  throw new AppError({
    code: 'LISTING_REFUSED',
    retryable: false,
    publicMessage: `Amazon does not take the quantity ${quantity} of ${sku}. ${said}`.trim().slice(0, 400),
    remedy: 'Correct in Seller Central what Amazon names about the offer, then retry.',
  });
}

function outcome(
  { sku, quantity }: ListingQuantityBody,
  detail: Record<string, unknown>,
  adopted: boolean,
): PushOutcome {
  return {
    remoteType: linkTypes.Variant,
    remoteId: sku,
    remoteVersion: null,
    state: { quantity, fulfilledBy: 'merchant' },
    adopted,
    detail: { sku, quantity, ...detail },
  };
}
