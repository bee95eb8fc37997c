import type { OrderSnapshot } from '../../../model/snapshot.ts';
import type { LinkFacts } from '../platform.ts';
import { booksOf, type Entity, type QuickBooksSession } from './client.ts';
import { type Company, formFieldOf } from './company.ts';
import { isClosedBooks } from './fault.ts';
import type { FormType } from './form-body.ts';
import type { Standing } from './forms.ts';
import { updateStanding } from './update-standing.ts';

/** What a custom field of a sales form should say, by the name that people gave it in QuickBooks; empty takes it away. */
export interface FormField {
  name: string;
  value: string;
}

/** What a custom field of a sales form holds at the most, in characters. */
const longest = 31;

/** The custom fields of an order that are sent to the books, with what each should say; in a fixed order. */
export function formFieldsOf(order: OrderSnapshot): FormField[] {
  return (order.customFields ?? [])
    .flatMap(({ quickbooksField: name, type, value, label }) => {
      if (name === null) return [];
      if (type === 'boolean' && value !== null) return [{ name, value: value === 'true' ? 'Yes' : 'No' }];
      return [{ name, value: label ?? value ?? '' }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * That a document was told these values already. What was asked for counts and not what stands: a value that the company has
 * no field for is not asked for again and again, but once it has one (`missing`).
 */
export function areFieldsHeld(state: LinkFacts['state'], fields: readonly FormField[] | undefined): boolean {
  return textOf(fields ?? []) === (typeof state.fields === 'string' ? state.fields : '');
}

function textOf(fields: readonly FormField[]): string {
  const filled = fields.filter(({ value }) => value !== '');
  return filled.length === 0 ? '' : JSON.stringify(filled.map(({ name, value }) => [name, value]));
}

/**
 * Writes the custom fields of a document that stands, and nothing else of it: neither its amounts nor what people changed by
 * hand are touched. What cannot be written is named and holds up nothing.
 */
export async function writeFormFields(
  session: QuickBooksSession,
  company: Company,
  document: { type: FormType; fields: readonly FormField[] },
  standing: Standing,
): Promise<Standing> {
  const { type, fields } = document;
  const wanted = fields.flatMap((field) => definedAs(company, field));
  const notWritten = fields.filter(({ value }) => value !== '').flatMap((field) => whyNot(company, field));
  const missing = fields
    .filter(({ name, value }) => value !== '' && formFieldOf(company, name) === undefined)
    .map(({ name }) => name.toLowerCase());
  const { missing: _before, ...held } = standing.state;
  const done = (version: string): Standing => ({
    ...standing,
    version,
    state: { ...held, fields: textOf(fields), ...(missing.length === 0 ? {} : { missing }) },
    detail: { ...standing.detail, ...(notWritten.length === 0 ? {} : { notWritten }) },
  });
  if (wanted.length === 0) return done(standing.version);
  const books = booksOf(session);
  const current = await books.read(type, standing.id);
  if (current === null || wanted.every((field) => shown(current, field.DefinitionId) === field.StringValue))
    return done(current?.SyncToken ?? standing.version);
  // QuickBooks takes the list as a whole: what stands in people's own fields goes along.
  const others = ((current.CustomField ?? []) as HeldField[]).filter(
    (one) => !wanted.some((field) => field.DefinitionId === one.DefinitionId),
  );
  try {
    const updated = await updateStanding(
      books,
      type,
      { id: standing.id, version: current.SyncToken },
      { CustomField: [...others, ...wanted] },
      { requestId: null, refuse: () => null },
    );
    return done(updated.SyncToken);
  } catch (error) {
    if (!isClosedBooks(error)) throw error;
    notWritten.push(
      ...wanted.map(({ Name }) => ({ field: Name, reason: 'the books of that day are closed' })),
    );
    return done(current.SyncToken);
  }
}

interface HeldField {
  DefinitionId: string;
  Name: string;
  Type: 'StringType';
  StringValue?: string;
}

function shown(entity: Entity, definitionId: string): string {
  const own = ((entity.CustomField ?? []) as HeldField[]).find((one) => one.DefinitionId === definitionId);
  return own?.StringValue ?? '';
}

function definedAs(company: Company, { name, value }: FormField): Required<HeldField>[] {
  const definition = formFieldOf(company, name);
  if (definition === undefined || value.length > longest) return [];
  return [{ DefinitionId: definition.id, Name: definition.name, Type: 'StringType', StringValue: value }];
}

function whyNot(company: Company, { name, value }: FormField): { field: string; reason: string }[] {
  if (formFieldOf(company, name) === undefined)
    return [{ field: name, reason: 'QuickBooks has no custom field of that name on its sales forms' }];
  return value.length > longest ? [{ field: name, reason: `has more than ${longest} characters` }] : [];
}
