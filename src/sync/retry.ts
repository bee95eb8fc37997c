import { z } from 'zod';
import { AppError } from '../errors.ts';
import { storable } from './storable.ts';

/** Work that has failed this often becomes a dead letter; after a person's retry, at the next multiple. */
const maxAttempts = 12;
/** Work that was under way at so many deaths of processes in a row is taken for their cause. */
const mostDeaths = 5;
const firstDelayMs = 1_000;
const longestDelayMs = 3_600_000;
/** Postgres is unreachable, shutting down, out of room or asks for a repetition. */
const transientSqlState = /^(08|40|53|55|57|58)/;
/** What the driver says of a connection that is lost, refused or silent; it has no codes for that. */
const lostDatabase =
  /^(Query read timeout|timeout exceeded when trying to connect|Connection terminated\b|Client (has encountered a connection error|was closed)|Cannot use a pool after)/;

/** What becomes of work that has failed. */
export interface Failure {
  /** When it is tried again, in ms from now; null: never, a person must look at it. */
  retryInMs: number | null;
  code: string;
  /** In words, without secrets. */
  message: string;
  remedy: string;
  /** True where no other call of the connection will fare better: its credentials are not accepted, or cannot be opened. */
  accessRefused: boolean;
  /** True where the failure tells that the platform itself is in trouble, not only this piece of work. */
  platformTrouble: boolean;
  /** The platform's own wish, where it stated one. */
  retryAfterMs: number | null;
}

/** Decides the fate of failed work. `attempt` counts from 1. Pure: `random` is in [0, 1). */
export function judgeFailure(error: unknown, attempt: number, random: () => number): Failure {
  const described = describeError(error);
  const exhausted = attempt % maxAttempts === 0;
  if (!described.retryable || exhausted) {
    return {
      ...described,
      retryInMs: null,
      remedy: described.retryable
        ? `It was tried ${attempt} times. ${described.remedy} Then retry it.`
        : described.remedy,
    };
  }
  const delay = backoffMs(attempt % maxAttempts, random);
  return { ...described, retryInMs: Math.max(delay, described.retryAfterMs ?? 0) };
}

/** Exponential backoff with full jitter: anywhere between 0 and the doubled delay, so that crowds spread out. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.round(random() * Math.min(longestDelayMs, firstDelayMs * 2 ** (attempt - 1)));
}

/** Refuses work at which processes have died again and again. @throws AppError PROCESS_DIED */
export function refuseDeadlyWork(deaths: number): void {
  if (deaths < mostDeaths) return;
  throw new AppError({
    code: 'PROCESS_DIED',
    retryable: false,
    publicMessage: `The process died ${deaths} times while working on this.`,
    remedy: 'Look at the log for the cause (memory, a crash), then retry.',
  });
}

/** Takes out what looks like a secret, and how people are reached: failures are stored, and shown to those who may not see of whom. */
export function withoutSecrets(text: string): string {
  const open = text
    .replace(/\b(Bearer|Basic)\s+[^\s"',]+/gi, '$1 [removed]')
    .replace(/\b(postgres(?:ql)?:\/\/)[^\s@]+@/gi, '$1[removed]@')
    .replace(/[A-Za-z0-9+/_=-]{28,}/g, '[removed]')
    .replace(/[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}/gi, '[e-mail]')
    .replace(/\+\d[\d ().-]{6,20}\d/g, '[phone]')
    .slice(0, 500);
  // The cut may go through an emoji, and Postgres holds no half of one.
  return storable(open);
}

/** For trouble that passes by itself, where nobody knows better: it says nothing any more once the platform answers again. */
export const transientRemedy = 'Look at the platform and the connection.';

type Described = Omit<Failure, 'retryInMs'> & { retryable: boolean };

function describeError(error: unknown): Described {
  if (error instanceof AppError) {
    return {
      retryable: error.retryable,
      code: error.code,
      message: withoutSecrets(error.publicMessage),
      remedy: error.remedy ?? (error.retryable ? transientRemedy : 'Correct the cause, then retry.'),
      accessRefused:
        error.code.endsWith('_UNAUTHORIZED') ||
        ['CREDENTIALS_UNREADABLE', 'CONNECTION_DISCONNECTED'].includes(error.code),
      // Waiting for another push, or for what the platform has accepted, is no sign of trouble at the platform.
      platformTrouble: error.retryable && !['LINK_PENDING', 'LISTING_NOT_APPLIED'].includes(error.code),
      retryAfterMs: error.retryAfterMs,
    };
  }
  if (error instanceof z.core.$ZodError || error instanceof SyntaxError) {
    return {
      retryable: false,
      code: 'PAYLOAD_UNREADABLE',
      message: unreadableMessage(error),
      remedy:
        'The platform sent something that this version does not understand. Report it; once it is understood, replay.',
      accessRefused: false,
      platformTrouble: false,
      retryAfterMs: null,
    };
  }
  if (error instanceof Error && lostDatabase.test(error.message))
    return {
      retryable: true,
      code: 'DATABASE_UNAVAILABLE',
      message: `The database could not be reached: ${error.message}`,
      remedy: 'Look at the database and at the log.',
      accessRefused: false,
      platformTrouble: false,
      retryAfterMs: null,
    };
  const state = sqlState(error);
  if (state !== null) {
    return {
      retryable: true,
      code: transientSqlState.test(state) ? 'DATABASE_UNAVAILABLE' : 'DATABASE_REFUSED',
      message: withoutSecrets(
        `The database answered ${state}: ${error instanceof Error ? error.message : ''}`,
      ),
      remedy: 'Look at the database and at the log.',
      accessRefused: false,
      platformTrouble: false,
      retryAfterMs: null,
    };
  }
  return {
    retryable: true,
    code: 'UNEXPECTED',
    message: withoutSecrets(
      error instanceof Error ? `${error.name}: ${error.message}${causeOf(error)}` : String(error),
    ),
    remedy: 'Look at the log for the cause.',
    accessRefused: false,
    platformTrouble:
      !(error instanceof TypeError && error.cause === undefined) && !(error instanceof RangeError),
    retryAfterMs: null,
  };
}

function unreadableMessage(error: z.core.$ZodError | SyntaxError): string {
  if (error instanceof SyntaxError) return 'The body is not valid JSON.';
  const issue = error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'the body' : `"${issue.path.join('.')}"`;
  return withoutSecrets(`The field ${field} is not as expected: ${issue?.message ?? 'unreadable'}`);
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? ` (${error.cause.message})` : '';
}

function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
