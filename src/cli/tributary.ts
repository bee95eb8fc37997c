#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { complain } from '../complain.ts';
import { AppError } from '../errors.ts';
import { leave } from '../leave.ts';

const usage = `tributary <command>

  sandbox                 serve the sandbox platforms alone, one port each from 4010
      --seed <n>            the story they tell (default 1)
      --data <folder>       keep their state there (default: in memory)
      --webhooks <url>      send webhooks to <url>/webhooks/<platform>
      --no-limits           switch the platforms' rate limits off
  doctor                  look at every connected account: scopes, webhooks, settings; say what is missing
  alert-test              send a message to ALERT_WEBHOOK_URL
  migrate                 bring the database that DATABASE_URL names up to date
  sweep <platform>        read what changed there since the last sweep and apply what was missed
      --full                read everything
  identity resolve        compare all customers, merge those who are certainly one, ask about those who may be
  identity estimate       learn the weights from the graph's own customers, or print those of --file <csv>
  identity score          measure on a file of your own: --file <records.csv> --truth <truth.csv>, or --entity <heading>
      --map, --country, --estimate, --list   "tributary identity score --help" tells of them and of the headings it knows
  identity generate       write such files, made up: --people <n> --seed <n>
  privacy requests        who asked for what, and by when it is due
  privacy export          print everything known about one person, as JSON
      --email <address> | --id <customer> | --request <id>   (a request is noted as done)
  privacy erase           erase one person; orders and amounts stay for the books
      --email <address> | --id <customer>
  connection list         accounts, whether they are kept in step, and what may be written there
  connection disconnect <id>  stop reading and writing, end its webhooks, forget its credentials; history stays
      --reason <why>        kept and shown
  connection connect <platform>  connect what was disconnected again, with the credentials in the environment
  api-key create <name>   make a key for the API and print it, once
      --scopes <a,b>        default read:orders,read:customers,read:stock,read:sync
  api-key list            names, first characters and scopes
  api-key revoke <id>

Commands other than sandbox read the same environment as "npm start".`;

interface Takes {
  words: number;
  options: readonly string[];
}

/** What each command takes: so many words after its name, and these options. */
const takes: Readonly<Record<string, Takes>> = {
  sandbox: { words: 0, options: ['seed', 'data', 'webhooks', 'no-limits'] },
  migrate: { words: 0, options: [] },
  doctor: { words: 0, options: [] },
  'alert-test': { words: 0, options: [] },
  sweep: { words: 1, options: ['full'] },
  identity: {
    words: 1,
    options: ['file', 'truth', 'entity', 'estimate', 'list', 'map', 'country', 'people', 'seed'],
  },
  privacy: { words: 1, options: ['email', 'id', 'request'] },
  connection: { words: 2, options: ['reason'] },
  'api-key': { words: 2, options: ['scopes'] },
};

/** Runs one command; its number is the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    tokens: true,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      seed: { type: 'string', default: '1' },
      data: { type: 'string' },
      webhooks: { type: 'string' },
      'no-limits': { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      file: { type: 'string', multiple: true, default: [] },
      truth: { type: 'string' },
      entity: { type: 'string' },
      estimate: { type: 'boolean', default: false },
      list: { type: 'string' },
      map: { type: 'string', default: '' },
      country: { type: 'string', default: 'US' },
      people: { type: 'string', default: '10000' },
      email: { type: 'string' },
      id: { type: 'string' },
      request: { type: 'string' },
      reason: { type: 'string' },
      scopes: { type: 'string', default: 'read:orders,read:customers,read:stock,read:sync' },
    },
  });
  const [command, ...rest] = positionals;
  if (command === undefined || command === 'help' || (values.help === true && command !== 'identity')) {
    console.log(usage);
    return command === undefined && values.help !== true ? 2 : 0;
  }
  const taken = Object.hasOwn(takes, command) ? takes[command] : undefined;
  if (taken === undefined) {
    console.error(`There is no command "${command}".\n\n${usage}`);
    return 2;
  }
  const given = tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  const surplus = surplusOf(taken, rest, given);
  if (surplus !== null) {
    console.error(`${command} does not take ${surplus}. What it takes:\n\n${usage}`);
    return 2;
  }
  // The database client is generated, which `npm start` does first; a command may be what comes first.
  if (command !== 'sandbox') await import('../../scripts/generate.ts');
  switch (command) {
    case 'sandbox':
      return (await import('./sandbox.ts')).sandboxCommand({
        seed: wholeNumber('--seed', values.seed),
        data: values.data ?? null,
        webhooks: values.webhooks ?? null,
        limits: !values['no-limits'],
      });
    case 'doctor':
      return (await import('./doctor.ts')).doctorCommand();
    case 'alert-test':
      return (await import('./alert-test.ts')).alertTestCommand();
    case 'migrate':
      return (await import('./migrate.ts')).migrateCommand();
    case 'sweep':
      return (await import('./sweep.ts')).sweepCommand({ platform: rest[0] ?? '', full: values.full });
    case 'identity':
      return (await import('./identity/command.ts')).identityCommand({
        action: rest[0] ?? '',
        files: values.file,
        truth: values.truth,
        entity: values.entity,
        estimate: values.estimate,
        list: values.list,
        help: values.help === true,
        map: values.map,
        country: values.country.toUpperCase(),
        people: wholeNumber('--people', values.people),
        seed: wholeNumber('--seed', values.seed),
      });
    case 'privacy':
      return (await import('./privacy.ts')).privacyCommand({
        action: rest[0] ?? '',
        email: values.email ?? null,
        id: values.id ?? null,
        request: values.request ?? null,
      });
    case 'connection':
      return (await import('./connection.ts')).connectionCommand({
        action: rest[0] ?? '',
        argument: rest[1] ?? '',
        reason: values.reason ?? null,
      });
    case 'api-key':
      return (await import('./api-key.ts')).apiKeyCommand({
        action: rest[0] ?? '',
        argument: rest[1] ?? '',
        scopes: values.scopes.split(','),
      });
    default:
      throw new Error(`nobody carries ${command} out`);
  }
}

/** Whoever gives what a command would pass over means something else. Null: all of it is taken. */
function surplusOf(taken: Takes, words: readonly string[], options: readonly string[]): string | null {
  const word = words[taken.words];
  if (word !== undefined) return `"${word}"`;
  const option = options.find((name) => name !== 'help' && !taken.options.includes(name));
  return option === undefined ? null : `--${option}`;
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new AppError({
    code: 'BAD_OPTION',
    retryable: false,
    publicMessage: `${option} takes a whole number, not "${text}".`,
  });
}

/** As with every other way of calling a command wrongly. */
function isMistyped(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'BAD_OPTION' || code.startsWith('ERR_PARSE_ARGS');
}

try {
  await leave(await main(process.argv.slice(2)));
} catch (error) {
  complain(error, usage);
  await leave(isMistyped(error) ? 2 : 1);
}
