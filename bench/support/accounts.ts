/** The accounts of the sandbox platforms, as a retailer would put them into the environment. */
export const shop = { domain: 'demo-shop.myshopify.com', apiSecret: 'shpss_sandbox_secret' };

export const shopifyEnvironment = {
  SHOPIFY_SHOP: shop.domain,
  SHOPIFY_ACCESS_TOKEN: 'shpat_sandbox',
  SHOPIFY_API_SECRET: shop.apiSecret,
};

export const allEnvironment = {
  ...shopifyEnvironment,
  HUBSPOT_ACCESS_TOKEN: 'pat-sandbox',
  HUBSPOT_CLIENT_SECRET: 'hubspot-sandbox-secret',
  QUICKBOOKS_REALM_ID: '9130357992221046',
  QUICKBOOKS_CLIENT_ID: 'qb-sandbox-client',
  QUICKBOOKS_CLIENT_SECRET: 'qb-sandbox-secret',
  QUICKBOOKS_REFRESH_TOKEN: 'RT1-sandbox',
  QUICKBOOKS_VERIFIER_TOKEN: 'qb-sandbox-verifier',
};

/** A key that may read everything that the benchmarks ask for. */
export const apiKey = { name: 'bench', key: 'tb_bench_0123456789abcdefghijklmnopqrstuv' };

/** Seals the sandbox's credentials, which are no secret. */
export const encryptionKey = 'be'.repeat(32);
