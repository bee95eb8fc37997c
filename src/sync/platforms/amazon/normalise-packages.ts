import type { CanonicalFulfilment } from '../../../model/order.ts';
import type { OrderPayload, PackagePayload } from './payloads.ts';
import { textOf } from './vocabulary.ts';

const packageStatuses: Readonly<Record<string, CanonicalFulfilment['status']>> = {
  PENDING: 'pending',
  IN_TRANSIT: 'success',
  SHIPPED: 'success',
  DELIVERED: 'success',
  CANCELLED: 'cancelled',
  UNDELIVERABLE: 'failure',
};

/** A parcel of goods that the retailer sends. Of Amazon's own parcels nothing is told. */
export function fulfilmentOf(one: PackagePayload, order: OrderPayload): CanonicalFulfilment {
  const at = one.shipTime ?? one.createdTime ?? order.lastUpdatedTime;
  return {
    remoteId: one.packageReferenceId,
    status: packageStatuses[one.packageStatus?.status ?? 'PENDING'] ?? 'pending',
    trackingCompany: textOf(one.carrier),
    trackingNumbers: textOf(one.trackingNumber) === null ? [] : [textOf(one.trackingNumber) ?? ''],
    trackingUrls: [],
    locationRemoteId: null,
    createdAt: one.createdTime ?? at,
    updatedAt: at,
    lines: (one.packageItems ?? []).map((item) => ({
      lineRemoteId: item.orderItemId,
      quantity: item.quantity,
    })),
  };
}
