import { booksOf, type Entity, type QuickBooksSession, quoted } from './client.ts';
import type { Company } from './company.ts';
import type { FormBody } from './form-body.ts';
import { postingDate } from './form-entity.ts';
import { readSettings } from './settings.ts';

const pageSize = 1000;

/**
 * Documents among which one of ours stands, if it stands: whose it is says the mark in its note. Where the company takes
 * numbers they are those of this number; where it gives its own, which Intuit asks not to send beside, those of the day.
 */
export async function candidates(
  session: QuickBooksSession,
  company: Company,
  body: Pick<FormBody, 'type' | 'docNumber' | 'date'>,
): Promise<Entity[]> {
  if (company.takesDocNumbers)
    return await booksOf(session).query(
      body.type,
      `where DocNumber = ${quoted(body.docNumber)} maxresults 100`,
    );
  const { date } = postingDate(body, company, readSettings(session.settings));
  return await everyOne(session, body.type, `where TxnDate = ${quoted(date)}`);
}

/** All that a condition finds, page by page. */
export async function everyOne(
  session: QuickBooksSession,
  type: FormBody['type'],
  where: string,
): Promise<Entity[]> {
  const all: Entity[] = [];
  for (;;) {
    const page = await booksOf(session).query(
      type,
      `${where} orderby Id startposition ${all.length + 1} maxresults ${pageSize}`,
    );
    all.push(...page);
    if (page.length < pageSize) return all;
  }
}
