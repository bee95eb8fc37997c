import { writeFile } from 'node:fs/promises';
import { AppError } from '../../errors.ts';
import { isCountry } from '../../sync/identity/normalise-phone.ts';
import { headingsOfFields } from './columns.ts';
import { toCsv } from './csv.ts';
import { estimateCommand } from './estimate.ts';
import { generatePeople } from './generate-people.ts';
import { resolveCommand } from './resolve.ts';
import { score } from './score.ts';

export interface IdentityOptions {
  action: string;
  files: readonly string[];
  truth: string | undefined;
  entity: string | undefined;
  map: string;
  country: string;
  estimate: boolean;
  list: string | undefined;
  people: number;
  seed: number;
  help: boolean;
}

export const identityUsage = `tributary identity score --file <records.csv> (--truth <truth.csv> | --entity <heading>)

Measures on a file of your own how well people are recognised: precision, recall and F1 over pairs of records, for automatic merges and for the
questions that a person would be asked, beside what the same e-mail address alone finds. Nothing is stored and no database is needed.

  --file <csv>            records with a header; several times for several files that are one list
                          (commas, semicolons, tabs or |; UTF-8, UTF-16 or Windows-1252; quotes as in RFC 4180)
  --truth <csv>           who is one person: a row per pair of ids (a column "match" with 0 or 1 may say which count), or a row per record with its
                          id and a label that records of one person share
  --entity <heading>      instead: the column of the records that has such labels. In FEBRL's ids (rec-7-org, rec-7-dup-0) the label is seen: --entity rec_id
  --map <field=heading,…> columns that are called otherwise (--map firstName=vorname,zip=plz)
  --country <code>        of telephone numbers, postal codes and dates that do not say (default US)
  --estimate              learn the weights from the records first (without looking at who is who), as "identity estimate" does for a shop
  --list <csv>            write every pair that was not merged rightly there, with what speaks for and against it

Fields, and the headings they are known by in any case and spelling (First Name, first-name, FirstName):

  ${headingsOfFields().join('\n  ')}

Dates of birth and tax ids count here because a file may tell them; the platforms that are connected do not (docs/identity.md).
Without a column of ids records are called by their row; 1 is the first below the header.

tributary identity generate --file <records.csv> --truth <truth.csv> [--people <n>] [--seed <n>]
tributary identity estimate [--file <records.csv>] [--map …] [--country …]
tributary identity resolve`;

/** Scores, estimates and carries out identity resolution. */
export async function identityCommand(options: IdentityOptions): Promise<number> {
  if (options.help) {
    console.log(identityUsage);
    return 0;
  }
  if (!isCountry(options.country))
    throw new AppError({
      code: 'BAD_OPTION',
      retryable: false,
      publicMessage: `--country takes two letters as in ISO 3166, for example DE, not "${options.country}".`,
    });
  switch (options.action) {
    case 'score':
      if (options.files.length > 0 && (options.truth === undefined) !== (options.entity === undefined))
        return score(options);
      console.error(
        options.files.length === 0
          ? 'identity score needs --file <records.csv>. "tributary identity score --help" tells the rest.'
          : 'identity score needs to know who is who: either --truth <file> or --entity <heading of a column>. "tributary identity score --help" tells the rest.',
      );
      return 2;
    case 'generate':
      return generate(options);
    case 'resolve':
      return resolveCommand();
    case 'estimate':
      return estimateCommand(options);
    default:
      console.error(identityUsage);
      return 2;
  }
}

async function generate({ files, truth, seed, people }: IdentityOptions): Promise<number> {
  const [file] = files;
  if (file === undefined || truth === undefined) {
    console.error('identity generate --file <records.csv> --truth <truth.csv> [--people 10000] [--seed 1]');
    return 2;
  }
  const records = generatePeople(seed, people);
  const header = [
    ...['id', 'channel', 'email', 'phone', 'first_name', 'last_name', 'company', 'address1', 'address2'],
    ...['city', 'zip', 'country'],
  ];
  const rows = records.map(({ address, ...record }) => [
    ...[record.id, record.channel, record.email, record.phone, record.firstName, record.lastName],
    ...[record.company, address?.address1 ?? null, address?.address2 ?? null, address?.city ?? null],
    ...[address?.zip ?? null, address?.countryCode ?? null],
  ]);
  await writeFile(file, toCsv(header, rows));
  await writeFile(
    truth,
    toCsv(
      ['id', 'person'],
      records.map((record) => [record.id, record.person]),
    ),
  );
  console.log(`${records.length} records of ${people} people in ${file}, who is who in ${truth}.`);
  return 0;
}
