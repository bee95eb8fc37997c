import { AppError } from '../../errors.ts';
import type { PersonRecord } from '../../sync/identity/profile.ts';
import type { CsvTable } from './csv.ts';

/** What a file of people may tell, with headings under which other people's files tell it. */
const known = {
  id: 'id rec_id record_id customer_id contact_id source_id unique_id row_id person_record_id voter_reg_num ncid',
  email: 'email email_address mail',
  phone:
    'phone phone_number telephone telephone_number phone_no mobile mobile_phone cell phone_1 tel full_phone_num full_phone_number',
  firstName: 'first_name given_name forename fname first fname_c1',
  middleName: 'middle_name mid_name midl_name middle mname second_name fname_c2',
  lastName: 'last_name surname family_name lname last lname_c1',
  secondLastName: 'second_last_name second_surname lname_c2',
  suffix: 'suffix name_suffix name_suffix_lbl name_sufx_cd generation',
  name: 'name full_name customer_name contact_name',
  company: 'company organisation organization company_name employer',
  streetNumber: 'street_number house_number house_num street_no street_num',
  street:
    'street address address1 street_address street_name address_line_1 line1 mailing_street res_street_address',
  unit: 'address2 unit apartment apt address_line_2 line2',
  city: 'city town suburb locality res_city_desc city_desc municipality',
  zip: 'zip zipcode postcode postal_code',
  country: 'country country_code',
  birthDate: 'date_of_birth birth_date dob birthday born',
  birthYear: 'birth_year year_of_birth yob by',
  birthMonth: 'birth_month month_of_birth bm',
  birthDay: 'birth_day day_of_birth bd',
  taxId:
    'soc_sec_id ssn social_security_number social_security_no national_id tax_id tin vat vat_id vat_number vat_no abn',
} as const;

type Column = keyof typeof known;
export type ColumnMap = Partial<Record<Column, number>>;
export const columns = Object.keys(known) as Column[];

/** For people: every field with the headings it is known by. */
export function headingsOfFields(): string[] {
  return columns.map((column) => `${column.padEnd(15)} ${known[column].replaceAll(' ', ', ')}`);
}

/**
 * Finds the columns by their headings; `mapping` (`firstName=vorname,zip=plz`) names those that are called otherwise. Without a column of
 * ids, records are called by their row (1 is the first below the header), or by what stands under an empty heading.
 * @throws AppError naming what is there and what is possible
 */
export function mapColumns(table: CsvTable, mapping: string, file: string): ColumnMap {
  const found: ColumnMap = {};
  const headings = table.header.map(plain);
  for (const column of columns) {
    const names = known[column].split(' ').map(plain);
    const places = names.map((name) => headings.indexOf(name)).filter((at) => at >= 0);
    if (places.length > 0) found[column] = Math.min(...places);
  }
  // Where R and pandas leave the numbers of rows.
  const unnamed = headings.findIndex((heading) => heading === '' || heading === 'unnamed0');
  if (found.id === undefined && unnamed === 0) found.id = unnamed;
  for (const pair of mapping.split(',').filter((part) => part.trim() !== '')) {
    const [column, heading] = pair.split('=').map((part) => part.trim());
    if (heading === undefined || !columns.includes(column as Column))
      throw bad(`--map: "${pair}" is not <field>=<heading>. Fields are ${columns.join(', ')}.`);
    found[column as Column] = columnCalled(table, heading, file, '--map');
  }
  if (!columns.some((column) => column !== 'id' && column !== 'country' && found[column] !== undefined))
    throw bad(
      `${file} tells nothing to compare. It has ${listOf(table)}: name its columns with --map, for example --map lastName=<heading>. Fields are ${columns.join(', ')}.`,
    );
  return found;
}

/** @returns its place. @throws AppError naming the columns there are */
export function columnCalled(table: CsvTable, heading: string, file: string, option: string): number {
  const exact = table.header.indexOf(heading);
  const at = exact >= 0 ? exact : table.header.map(plain).indexOf(plain(heading));
  if (at < 0 || plain(heading) === '')
    throw bad(`${option}: ${file} has no column "${heading}". It has ${listOf(table)}.`);
  return at;
}

function listOf(table: CsvTable): string {
  return table.header.map((name) => (name === '' ? '(no heading)' : name)).join(', ');
}

/** First Name, first-name and FirstName are one heading. */
function plain(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^a-z0-9]+/g, '');
}

/** A record of a file. */
export type FileRecord = PersonRecord & { id: string };

/** @param from how many records of other files come before: rows without ids are called by their number. */
export function recordsOf(table: CsvTable, map: ColumnMap, country: string | null, from = 0): FileRecord[] {
  return table.rows.map((row, index) => {
    const value = (column: Column): string | null => {
      const at = map[column];
      const text = at === undefined ? '' : (row[at] ?? '').trim();
      return text === '' || /^(null|n\/a|na|nan|none|\\n|#n\/a)$/i.test(text) ? null : text;
    };
    const joined = (...parts: Column[]) => parts.flatMap((part) => value(part) ?? []).join(' ');
    const orNull = (text: string) => (text === '' ? null : text);
    const street = joined('streetNumber', 'street');
    const hasAddress = street !== '' || value('zip') !== null || value('city') !== null;
    const first = joined('firstName', 'middleName');
    const last = joined('lastName', 'secondLastName');
    const isWhole = first === '' && last === '';
    return {
      id: (map.id === undefined ? null : value('id')) ?? String(from + index + 1),
      email: value('email'),
      phone: value('phone'),
      firstName: isWhole ? orNull(joined('name', 'suffix')) : orNull(first),
      lastName: isWhole || last === '' ? null : joined('lastName', 'secondLastName', 'suffix'),
      company: value('company'),
      birthDate: value('birthDate') ?? birthDateOf(value),
      taxId: value('taxId'),
      address: hasAddress
        ? {
            address1: orNull(street),
            address2: value('unit'),
            city: value('city'),
            zip: value('zip'),
            countryCode: countryOf(value('country')) ?? country,
          }
        : null,
    };
  });
}

function birthDateOf(value: (column: Column) => string | null): string | null {
  const year = value('birthYear')?.replace(/\.0$/, '');
  if (year === undefined) return null;
  const [month, day] = [value('birthMonth'), value('birthDay')].map((part) => part?.replace(/\.0$/, ''));
  if (month === undefined) return year;
  return day === undefined ? `${year}-${month}` : `${year}-${month}-${day}`;
}

/** Two letters as they are; files that spell countries out mean the one that is asked about more often than not. */
function countryOf(text: string | null): string | null {
  return text !== null && /^[A-Za-z]{2}$/.test(text) ? text.toUpperCase() : null;
}

function bad(publicMessage: string): AppError {
  return new AppError({ code: 'BAD_FILE', retryable: false, publicMessage });
}
