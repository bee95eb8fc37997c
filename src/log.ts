import { type DestinationStream, type Logger, pino } from 'pino';

export type Log = Logger;

/** Paths whose values never reach the log, whoever passes them in. */
const secretPaths = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'accessToken',
  'refreshToken',
  'apiSecret',
  'clientSecret',
  'verifierToken',
  'credentials',
  'encryptionKey',
  'apiKey',
];

/** One JSON line per entry on stdout; secrets are removed by name, two levels deep. */
export function createLog(options: { level: string; destination?: DestinationStream }): Log {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: withoutAddresses },
    redact: { paths: secretPaths.flatMap((path) => [path, `*.${path}`, `*.*.${path}`]), censor: '[removed]' },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

/** People's addresses have no place in a log, whichever error message brings them. */
function withoutAddresses(line: string): string {
  return line.includes('@')
    ? line.replace(/[\w.+%'-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}/gi, '[e-mail]')
    : line;
}
