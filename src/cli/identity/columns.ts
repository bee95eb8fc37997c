import { AppError } from '../../errors.ts';
import type { PersonRecord } from '../../sync/identity/profile.ts';
import type { CsvTable } from './csv.ts';

/** What a file of people may tell, with headings under which other people's files tell it. */
const known = {
  id: ['id', 'rec_id', 'record_id', 'recid', 'customer_id', 'source_id', 'unique_id'],
  email: ['email', 'e_mail', 'email_address', 'mail'],
  phone: ['phone', 'phone_number', 'telephone', 'mobile', 'phone_1', 'tel'],
  firstName: ['first_name', 'firstname', 'given_name', 'givenname', 'forename', 'fname', 'first'],
  lastName: ['last_name', 'lastname', 'surname', 'family_name', 'lname', 'last'],
  name: ['name', 'full_name', 'fullname'],
  company: ['company', 'organisation', 'organization', 'company_name'],
  streetNumber: ['street_number', 'house_number', 'housenumber', 'street_no'],
  street: ['street', 'address', 'address1', 'address_1', 'street_address', 'address_line_1', 'line1'],
  unit: ['address2', 'address_2', 'unit', 'apartment', 'address_line_2', 'line2'],
  city: ['city', 'town', 'suburb', 'locality'],
  zip: ['zip', 'zipcode', 'zip_code', 'postcode', 'postal_code', 'postalcode'],
  country: ['country', 'country_code', 'countrycode'],
} as const;

type Column = keyof typeof known;
export type ColumnMap = Partial<Record<Column, number>>;
const columns = Object.keys(known) as Column[];

/**
 * Finds the columns by their headings; `mapping` (`firstName=vorname,zip=plz`) names those that are called otherwise.
 * @throws AppError naming what is there and what is possible
 */
export function mapColumns(table: CsvTable, mapping: string, file: string): ColumnMap {
  const found: ColumnMap = {};
  const plain = (heading: string) =>
    heading
      .trim()
      .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '_');
  const headings = table.header.map(plain);
  for (const column of columns) {
    const at = headings.findIndex((heading) => (known[column] as readonly string[]).includes(heading));
    if (at >= 0) found[column] = at;
  }
  for (const pair of mapping.split(',').filter((part) => part.trim() !== '')) {
    const [column, heading] = pair.split('=').map((part) => part.trim());
    if (heading === undefined || !columns.includes(column as Column))
      throw bad(`--map: "${pair}" is not <field>=<heading>. Fields are ${columns.join(', ')}.`);
    const at = table.header.indexOf(heading);
    if (at < 0) throw bad(`--map: ${file} has no column "${heading}". It has ${table.header.join(', ')}.`);
    found[column as Column] = at;
  }
  if (found.id === undefined)
    throw bad(
      `${file} has no column for the record's id. It has ${table.header.join(', ')}; name it with --map id=<heading>.`,
    );
  if (Object.keys(found).length < 2)
    throw bad(
      `${file} tells nothing to compare. Name its columns with --map, for example --map lastName=<heading>.`,
    );
  return found;
}

export function recordsOf(
  table: CsvTable,
  map: ColumnMap,
  country: string | null,
): (PersonRecord & { id: string })[] {
  return table.rows.map((row) => {
    const value = (column: Column): string | null => {
      const at = map[column];
      const text = at === undefined ? '' : (row[at] ?? '').trim();
      return text === '' || /^(null|n\/a|nan|none)$/i.test(text) ? null : text;
    };
    const street = [value('streetNumber'), value('street')].filter((part) => part !== null).join(' ');
    const hasAddress = street !== '' || value('zip') !== null || value('city') !== null;
    return {
      id: value('id') ?? '',
      email: value('email'),
      phone: value('phone'),
      firstName: value('firstName') ?? value('name'),
      lastName: value('lastName'),
      company: value('company'),
      address: hasAddress
        ? {
            address1: street === '' ? null : street,
            address2: value('unit'),
            city: value('city'),
            zip: value('zip'),
            countryCode: value('country') ?? country,
          }
        : null,
    };
  });
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
