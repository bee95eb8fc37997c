/** The platforms Tributary speaks with. */
export const platformNames = ['shopify', 'hubspot', 'quickbooks', 'amazon'] as const;
export type PlatformName = (typeof platformNames)[number];

/** Who told us a fact: a platform, or a person or tool through our own API. */
export type Source = PlatformName | 'tributary';

/** Where an order was placed. */
export type Channel = 'online_store' | 'point_of_sale' | 'amazon' | 'other';
