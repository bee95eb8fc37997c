import type { Listing } from './account.ts';
import type { Call } from './api.ts';
import { ApiError, invalidInput } from './errors.ts';
import { instant, list, paged } from './order-routes.ts';
import { listingView } from './views.ts';

const dataSets = [
  'summaries',
  'attributes',
  'issues',
  'offers',
  'fulfillmentAvailability',
  'procurement',
  'relationships',
  'productTypes',
];
const mostResults = 1_000;

export function getListing(call: Call): object {
  return listingView(call.account, listingOf(call), included(call));
}

export function searchListings(call: Call): object {
  const { account, request } = call;
  demandSeller(call);
  const query = request.url.searchParams;
  const size = Number(query.get('pageSize') ?? 10);
  if (!Number.isInteger(size) || size < 1 || size > 20)
    throw invalidInput('pageSize must be between 1 and 20.');
  const createdAfter = instant(query, 'createdAfter');
  const updatedAfter = instant(query, 'lastUpdatedAfter');
  const identifiers = list(query, 'identifiers');
  if (identifiers.length > 20 || (identifiers.length > 0 && query.get('identifiersType') !== 'SKU'))
    throw invalidInput('At most 20 identifiers of the type SKU are allowed.');
  const by: (one: Listing) => number =
    query.get('sortBy') === 'createdDate' ? (one) => one.createdMs : (one) => one.updatedMs;
  const sign = query.get('sortOrder') === 'ASC' ? 1 : -1;
  const found = Object.values(account.state.listings)
    .filter(
      (one) =>
        (identifiers.length === 0 || identifiers.includes(one.sku)) &&
        (createdAfter === null || one.createdMs >= createdAfter) &&
        (updatedAfter === null || one.updatedMs >= updatedAfter),
    )
    .sort((a, b) => sign * (by(a) - by(b)) || (a.sku < b.sku ? -1 : 1));
  const { page, nextToken } = paged(
    found.slice(0, mostResults),
    size,
    query.get('pageToken'),
    (one) => one.sku,
  );
  return {
    numberOfResults: found.length,
    items: page.map((one) => listingView(account, one, included(call))),
    pagination: nextToken === null ? {} : { nextToken },
  };
}

interface Patch {
  op?: string;
  path?: string;
  value?: { fulfillment_channel_code?: string; quantity?: unknown }[];
}

/** Checks what was sent, accepts it, and lets it take effect some time later. */
export function patchListing(call: Call): object {
  const { account, request, parts } = call;
  const listing = listingOf(call);
  const body = JSON.parse(request.body.toString('utf8')) as { productType?: unknown; patches?: Patch[] };
  if (typeof body.productType !== 'string' || !Array.isArray(body.patches) || body.patches.length === 0)
    throw invalidInput('productType and patches are required.');
  const submissionId = `submission-${account.next('submission')}`;
  const issues = body.patches.flatMap(issuesOf);
  if (issues.length > 0) return { sku: listing.sku, status: 'INVALID', submissionId, issues };
  const preview = request.url.searchParams.get('mode') === 'VALIDATION_PREVIEW';
  if (preview) return { sku: listing.sku, status: 'VALID', submissionId, issues: [] };
  for (const patch of body.patches) {
    const offered = patch.value?.find((one) => one.fulfillment_channel_code === 'DEFAULT');
    if (offered !== undefined) parts.submit(listing.sku, Number(offered.quantity));
  }
  return { sku: listing.sku, status: 'ACCEPTED', submissionId, issues: [] };
}

function issuesOf(patch: Patch): object[] {
  const issue = (message: string) => ({
    code: '90000900',
    message,
    severity: 'ERROR',
    attributeNames: ['fulfillment_availability'],
    categories: ['INVALID_ATTRIBUTE'],
  });
  if (!['add', 'replace', 'merge', 'delete'].includes(patch.op ?? ''))
    return [issue(`'${patch.op}' is no operation.`)];
  if (patch.path !== '/attributes/fulfillment_availability')
    return [issue(`The attribute at '${patch.path}' cannot be changed here.`)];
  return (patch.value ?? []).flatMap((one) =>
    one.fulfillment_channel_code === 'DEFAULT' &&
    (!Number.isInteger(one.quantity) || Number(one.quantity) < 0)
      ? [issue("'quantity' must be a whole number of at least 0.")]
      : [],
  );
}

function listingOf(call: Call): Listing {
  demandSeller(call);
  const sku = call.path[1] ?? '';
  const listing = call.account.state.listings[sku];
  if (listing !== undefined) return listing;
  if (call.request.method === 'GET')
    throw new ApiError(404, 'NOT_FOUND', `SKU '${sku}' not found in the marketplace.`);
  throw invalidInput(`SKU '${sku}' is not known.`);
}

function demandSeller({ account, path, request }: Call): void {
  if (path[0] !== account.profile.sellerId)
    throw new ApiError(403, 'Unauthorized', 'Access to requested resource is denied.', 'Another seller.');
  if (!list(request.url.searchParams, 'marketplaceIds').includes(account.profile.marketplaceId))
    throw invalidInput('marketplaceIds must name the marketplace.');
}

function included({ request }: Call): ReadonlySet<string> {
  const asked = list(request.url.searchParams, 'includedData');
  const unknown = asked.find((name) => !dataSets.includes(name));
  if (unknown !== undefined) throw invalidInput(`includedData does not know ${unknown}.`);
  return new Set(asked.length === 0 ? ['summaries'] : asked);
}
