import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { AppError } from './errors.ts';
import type { CustomFieldDeclaration } from './model/custom-field.ts';
import type { PlatformName } from './model/platform-name.ts';
import { isScope, scopes as knownScopes } from './schema/scopes.ts';
import { isEncryptionKey } from './sync/connections/credentials.ts';
import { declarationsFile } from './sync/custom-fields/declaration.ts';

/** Everything that the environment decides, checked once at the start. */
export interface Config {
  /** No credential of any platform is set: the sandbox platforms and the demo shop are served. */
  demo: boolean;
  /** Null: the embedded Postgres in `dataDir`. */
  databaseUrl: string | null;
  dataDir: string;
  host: string;
  port: number;
  /** Where /healthz, /readyz and /metrics are served as well, and by the worker role at all; null: nowhere. */
  healthPort: number | null;
  /** Address that platforms call; signatures of some of them cover it. */
  publicUrl: string;
  /** Seals credentials at rest. Null in the demo: one is made and kept in `dataDir`. */
  encryptionKey: string | null;
  /** What the key was before: what it has sealed is sealed anew at the start. */
  previousEncryptionKey: string | null;
  apiKeys: ApiKeyConfig[];
  /** Origins of web pages of your own that may call the API, with a key, from a browser. */
  allowedOrigins: string[];
  logLevel: string;
  /** Days for which events, and the raw bytes of settled deliveries, are kept; 0: for ever. */
  retentionDays: { events: number; inbox: number };
  /** How often every account is read for what its deliveries did not tell, in minutes; 0: never. */
  sweepMinutes: number;
  graphiql: boolean;
  introspection: boolean;
  /** Where each platform is reached; an empty string leaves it to the account: its shop, its region. */
  baseUrls: Record<PlatformName, string>;
  connections: ConnectionConfig[];
  /** Where people are told what needs them: an incoming webhook of their chat; null: nowhere. */
  alertWebhookUrl: string | null;
  /** Who reads order notes; null: our own parser alone. */
  claude: ClaudeConfig | null;
  /** Custom fields that a file declares; null: none does, and those that one once declared stay. */
  customFields: CustomFieldDeclaration[] | null;
}

export interface ClaudeConfig {
  apiKey: string;
  baseUrl: string;
  model: string;
  /** In US dollars per million tokens. */
  price: { input: number; output: number };
  /** In millionths of a US dollar. */
  dailyBudgetMicros: bigint;
  timeoutMs: number;
}

export interface ApiKeyConfig {
  name: string;
  key: string;
  scopes: string[];
}

/** One account whose credentials stand in the environment. */
export interface ConnectionConfig {
  platform: PlatformName;
  /** Null where the platform tells it when asked with the credentials (HubSpot's portal id). */
  accountId: string | null;
  credentials: Record<string, string>;
}

const sandboxPorts: Readonly<Record<PlatformName, number>> = {
  shopify: 4010,
  hubspot: 4011,
  quickbooks: 4012,
  amazon: 4013,
};

/** Where the sandbox's Claude listens, and the key that it takes. */
const sandboxClaude = { baseUrl: 'http://127.0.0.1:4014', apiKey: 'sk-ant-sandbox' };

/** Where a platform's webhooks should arrive. */
export function webhookUrl({ publicUrl }: Pick<Config, 'publicUrl'>, platform: PlatformName): string {
  return `${publicUrl}/webhooks/${platform}`;
}

/** Address of each sandbox platform, as `npx tributary sandbox` serves them. */
export function sandboxUrl(platform: PlatformName): string {
  return `http://127.0.0.1:${sandboxPorts[platform]}`;
}

const flag = z.enum(['true', 'false', '1', '0']).transform((value) => value === 'true' || value === '1');
const url = z.url({ protocol: /^https?$/, error: 'must be an http or https address' });
const isSafeAddress = (text: string) =>
  /^https:/.test(text) || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/]/.test(text);
const days = z.coerce.number('must be a number of days').int().min(0).max(36_500);
const filled = z.string().trim().min(1, 'must not be empty');
const dollars = z.coerce.number('must be an amount of US dollars').min(0).max(1_000_000);

const sealingKey = z
  .string()
  .refine(
    isEncryptionKey,
    'must be 32 bytes, written as base64 or as 64 hexadecimal digits; make one with "openssl rand -base64 32"',
  );

const schema = z.object({
  DATABASE_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'must look like postgresql://user:password@host:5432/database',
    })
    .optional(),
  DATA_DIR: filled.default('.data'),
  HOST: filled.optional(),
  PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).default(4000),
  HEALTH_PORT: z.coerce.number('must be a port number').int().min(0).max(65_535).optional(),
  PUBLIC_URL: url.optional(),
  ENCRYPTION_KEY: sealingKey.optional(),
  ENCRYPTION_KEY_PREVIOUS: sealingKey.optional(),
  API_KEYS: z.string().optional(),
  ALLOWED_ORIGINS: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  EVENT_RETENTION_DAYS: days.default(90),
  INBOX_RETENTION_DAYS: days.default(30),
  SWEEP_MINUTES: z.coerce.number('must be a number of minutes').int().min(0).max(1_440).default(5),
  ALERT_WEBHOOK_URL: url
    .refine(isSafeAddress, 'must be an https address: whoever reads it on the way can write to your chat')
    .optional(),
  GRAPHIQL: flag.optional(),
  INTROSPECTION: flag.optional(),
  SHOPIFY_API_URL: url.optional(),
  HUBSPOT_API_URL: url.optional(),
  QUICKBOOKS_API_URL: url.optional(),
  AMAZON_API_URL: url.optional(),
  AMAZON_LWA_URL: url.optional(),
  SHOPIFY_SHOP: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/, 'must look like my-shop.myshopify.com')
    .optional(),
  SHOPIFY_ACCESS_TOKEN: filled.optional(),
  SHOPIFY_API_SECRET: filled.optional(),
  HUBSPOT_ACCESS_TOKEN: filled.optional(),
  HUBSPOT_CLIENT_SECRET: filled.optional(),
  QUICKBOOKS_REALM_ID: z.string().regex(/^\d+$/, 'must be the number of the company').optional(),
  QUICKBOOKS_CLIENT_ID: filled.optional(),
  QUICKBOOKS_CLIENT_SECRET: filled.optional(),
  QUICKBOOKS_REFRESH_TOKEN: filled.optional(),
  QUICKBOOKS_VERIFIER_TOKEN: filled.optional(),
  AMAZON_SELLER_ID: filled.optional(),
  AMAZON_MARKETPLACE_ID: filled.optional(),
  AMAZON_CLIENT_ID: filled.optional(),
  AMAZON_CLIENT_SECRET: filled.optional(),
  AMAZON_REFRESH_TOKEN: filled.optional(),
  AMAZON_WEBHOOK_SECRET: z
    .string()
    .min(16, 'must be at least 16 characters, for example the output of "openssl rand -hex 24"')
    .optional(),
  ANTHROPIC_API_KEY: filled.optional(),
  ANTHROPIC_BASE_URL: url.optional(),
  ORDER_NOTES_MODEL: filled.default('claude-sonnet-5-5'),
  ORDER_NOTES_PRICE: z
    .string()
    .regex(
      /^\d+(\.\d+)?\/\d+(\.\d+)?$/,
      'must be US dollars per million tokens, sent and answered, for example 2/10',
    )
    .default('2/10'),
  ORDER_NOTES_DAILY_BUDGET_USD: dollars.default(5),
  CUSTOM_FIELDS_FILE: filled.optional(),
});

/** Every variable that is read. */
export const variableNames: readonly string[] = Object.keys(schema.shape);

type Environment = z.infer<typeof schema>;

/** The variables that make a connection: all of a platform's credentials or none; what is optional goes with them where it is set. */
const connectionVariables: Partial<Record<PlatformName, ConnectionVariables>> = {
  shopify: {
    account: 'SHOPIFY_SHOP',
    credentials: {
      shop: 'SHOPIFY_SHOP',
      accessToken: 'SHOPIFY_ACCESS_TOKEN',
      apiSecret: 'SHOPIFY_API_SECRET',
    },
  },
  hubspot: {
    account: null,
    credentials: { accessToken: 'HUBSPOT_ACCESS_TOKEN', clientSecret: 'HUBSPOT_CLIENT_SECRET' },
  },
  quickbooks: {
    account: 'QUICKBOOKS_REALM_ID',
    credentials: {
      realmId: 'QUICKBOOKS_REALM_ID',
      clientId: 'QUICKBOOKS_CLIENT_ID',
      clientSecret: 'QUICKBOOKS_CLIENT_SECRET',
      refreshToken: 'QUICKBOOKS_REFRESH_TOKEN',
      verifierToken: 'QUICKBOOKS_VERIFIER_TOKEN',
    },
  },
  amazon: {
    account: 'AMAZON_SELLER_ID',
    credentials: {
      sellerId: 'AMAZON_SELLER_ID',
      marketplaceId: 'AMAZON_MARKETPLACE_ID',
      clientId: 'AMAZON_CLIENT_ID',
      clientSecret: 'AMAZON_CLIENT_SECRET',
      refreshToken: 'AMAZON_REFRESH_TOKEN',
    },
    optional: { webhookSecret: 'AMAZON_WEBHOOK_SECRET', lwaUrl: 'AMAZON_LWA_URL' },
  },
};

interface ConnectionVariables {
  account: keyof Environment | null;
  credentials: Record<string, keyof Environment>;
  optional?: Record<string, keyof Environment>;
}

/**
 * Reads the environment. @throws AppError BAD_CONFIGURATION, which lists every variable that is wrong and what it should be.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const parsed = schema.safeParse(given);
  if (!parsed.success) {
    throw badConfiguration(parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`));
  }
  const env = parsed.data;
  const problems: string[] = [];
  const connections = readConnections(given, problems);
  const demo = connections.length === 0;
  const apiKeys = readApiKeys(env.API_KEYS, problems);
  const allowedOrigins = readOrigins(env.ALLOWED_ORIGINS, problems);
  const customFields = readCustomFields(env.CUSTOM_FIELDS_FILE, problems);
  if (!demo && env.ENCRYPTION_KEY === undefined) {
    problems.push(
      'ENCRYPTION_KEY must be set, for example to the output of "openssl rand -base64 32": it seals the credentials at rest',
    );
  }
  if (!demo && env.PUBLIC_URL === undefined) {
    problems.push('PUBLIC_URL must be set to the https address under which the platforms reach this server');
  }
  if (problems.length > 0) throw badConfiguration(problems);
  return {
    demo,
    databaseUrl: env.DATABASE_URL ?? null,
    dataDir: env.DATA_DIR,
    host: env.HOST ?? (demo ? '127.0.0.1' : '0.0.0.0'),
    port: env.PORT,
    healthPort: env.HEALTH_PORT ?? null,
    // Its platforms run beside it, whatever the world calls the server.
    publicUrl: demo ? `http://127.0.0.1:${env.PORT}` : (env.PUBLIC_URL ?? '').replace(/\/+$/, ''),
    encryptionKey: env.ENCRYPTION_KEY ?? null,
    previousEncryptionKey: env.ENCRYPTION_KEY_PREVIOUS ?? null,
    apiKeys,
    allowedOrigins,
    logLevel: env.LOG_LEVEL,
    retentionDays: { events: env.EVENT_RETENTION_DAYS, inbox: env.INBOX_RETENTION_DAYS },
    sweepMinutes: env.SWEEP_MINUTES,
    graphiql: env.GRAPHIQL ?? demo,
    introspection: env.INTROSPECTION ?? demo,
    baseUrls: {
      shopify: env.SHOPIFY_API_URL ?? (demo ? sandboxUrl('shopify') : ''),
      hubspot: env.HUBSPOT_API_URL ?? (demo ? sandboxUrl('hubspot') : 'https://api.hubapi.com'),
      quickbooks:
        env.QUICKBOOKS_API_URL ?? (demo ? sandboxUrl('quickbooks') : 'https://quickbooks.api.intuit.com'),
      amazon: env.AMAZON_API_URL ?? (demo ? sandboxUrl('amazon') : ''),
    },
    connections,
    alertWebhookUrl: env.ALERT_WEBHOOK_URL ?? null,
    claude: readClaude(env, demo),
    customFields,
  };
}

/** What is wrong is named by its place in the file. */
function readCustomFields(path: string | undefined, problems: string[]): CustomFieldDeclaration[] | null {
  if (path === undefined) return null;
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    problems.push(
      `CUSTOM_FIELDS_FILE cannot be read as JSON: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
  const parsed = declarationsFile.safeParse(json);
  if (parsed.success) return parsed.data.customFields;
  problems.push(
    ...parsed.error.issues.map(
      (issue) => `CUSTOM_FIELDS_FILE, at ${issue.path.join('.') || 'its top'}: ${issue.message}`,
    ),
  );
  return null;
}

/** A key of one's own is used in the demo too: then notes are read by Claude itself. */
function readClaude(env: Environment, demo: boolean): ClaudeConfig | null {
  const apiKey = env.ANTHROPIC_API_KEY ?? (demo ? sandboxClaude.apiKey : undefined);
  if (apiKey === undefined) return null;
  const isOwn = env.ANTHROPIC_API_KEY !== undefined;
  const [input = 0, output = 0] = env.ORDER_NOTES_PRICE.split('/').map(Number);
  return {
    apiKey,
    baseUrl: env.ANTHROPIC_BASE_URL ?? (isOwn ? 'https://api.anthropic.com' : sandboxClaude.baseUrl),
    model: env.ORDER_NOTES_MODEL,
    price: { input, output },
    dailyBudgetMicros: BigInt(Math.round(env.ORDER_NOTES_DAILY_BUDGET_USD * 1_000_000)),
    timeoutMs: 30_000,
  };
}

/** `SHOPIFY_SHOP` is the first account of a platform, `SHOPIFY_SHOP_2` the second, and so on. */
const suffixes = ['', ...Array.from({ length: 8 }, (_, index) => `_${index + 2}`)];

function readConnections(
  given: Readonly<Record<string, string | undefined>>,
  problems: string[],
): ConnectionConfig[] {
  const connections: ConnectionConfig[] = [];
  for (const [platform, variables] of Object.entries(connectionVariables)) {
    const accounts = suffixes.flatMap((suffix) => {
      const connection = readConnection(platform as PlatformName, variables, suffix, given, problems);
      return connection === null ? [] : [connection];
    });
    for (const [index, { accountId }] of accounts.entries()) {
      const isTold =
        accountId !== null && accounts.slice(0, index).some((one) => one.accountId === accountId);
      if (isTold) problems.push(`${variables.account}: the account ${accountId} is stated twice`);
    }
    connections.push(...accounts);
  }
  return connections;
}

/** Null where no variable of this account is set, or something is wrong with one. */
function readConnection(
  platform: PlatformName,
  variables: ConnectionVariables,
  suffix: string,
  given: Readonly<Record<string, string | undefined>>,
  problems: string[],
): ConnectionConfig | null {
  const needed = Object.values(variables.credentials);
  const optional = Object.entries(variables.optional ?? {});
  const first = needed.find((name) => given[name + suffix] !== undefined);
  if (first === undefined) return null;
  const missing = needed.filter((name) => given[name + suffix] === undefined);
  problems.push(
    ...missing.map(
      (name) =>
        `${name}${suffix} must be set as well, because ${first}${suffix} is (or leave out all of ${platform})`,
    ),
  );
  // What is optional may be said once for all accounts of a platform.
  const parsed = schema.safeParse(
    Object.fromEntries([
      ...needed.map((name) => [name, given[name + suffix]]),
      ...optional.map(([, name]) => [name, given[name + suffix] ?? given[name]]),
    ]),
  );
  // What is wrong with the first account's is told with everything else of the environment.
  if (!parsed.success && suffix !== '')
    problems.push(...parsed.error.issues.map((issue) => `${issue.path.join('.')}${suffix} ${issue.message}`));
  if (!parsed.success || missing.length > 0) return null;
  const fields = [...Object.entries(variables.credentials), ...optional].flatMap(([field, name]) =>
    parsed.data[name] === undefined ? [] : [[field, String(parsed.data[name])]],
  );
  return {
    platform,
    accountId: variables.account === null ? null : String(parsed.data[variables.account]),
    credentials: Object.fromEntries(fields),
  };
}

/** `name=key@scope+scope`, separated by commas. */
function readApiKeys(text: string | undefined, problems: string[]): ApiKeyConfig[] {
  if (text === undefined) return [];
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .flatMap((entry, index) => {
      const match = /^([\w-]+)=([^@\s]{24,})@([\w:+]+)$/.exec(entry);
      if (match === null) {
        problems.push(
          `API_KEYS entry ${index + 1} must look like name=key@scope+scope with a key of at least 24 characters, for example dashboard=tb_…@read:orders+read:stock`,
        );
        return [];
      }
      const scopes = (match[3] ?? '').split('+');
      const unknown = scopes.filter((scope) => !isScope(scope));
      if (unknown.length > 0) {
        problems.push(
          `API_KEYS entry ${index + 1} has a scope that is none: ${unknown.join(', ')}. Known are ${knownScopes.join(', ')}`,
        );
      }
      return [{ name: match[1] ?? '', key: match[2] ?? '', scopes }];
    });
}

/** Separated by commas; as browsers write them, which is compared letter by letter. */
function readOrigins(text: string | undefined, problems: string[]): string[] {
  const origins = (text ?? '')
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
  for (const origin of origins) {
    if (!URL.canParse(origin) || new URL(origin).origin !== origin)
      problems.push(
        `ALLOWED_ORIGINS names "${origin}", which is no origin; write scheme, host and port only, for example https://dashboard.example`,
      );
  }
  return origins;
}

function badConfiguration(problems: readonly string[]): AppError {
  return new AppError({
    code: 'BAD_CONFIGURATION',
    retryable: false,
    publicMessage: `The configuration has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
  });
}
