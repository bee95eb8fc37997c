import { domainToASCII } from 'node:url';
import { isRelayEmail } from '../../model/customer.ts';

export interface EmailParts {
  /** One text for all spellings that the provider delivers to one mailbox. */
  canonical: string;
  local: string;
  domain: string;
  /** `role`: a desk, not a person (info@, sales@). `relay`: a marketplace's address for one order or buyer. */
  kind: 'personal' | 'role' | 'relay';
}

/** Reads an address; null where it is none. Lower-cased, in ASCII, by the rules of the large providers. */
export function emailParts(email: string | null | undefined): EmailParts | null {
  const text = email?.normalize('NFKC').trim().toLowerCase() ?? '';
  const at = text.lastIndexOf('@');
  if (at < 1 || /\s/.test(text)) return null;
  const written = text.slice(0, at);
  const domain = domainToASCII(text.slice(at + 1).replace(/\.$/, ''));
  if (domain === '' || !domain.includes('.')) return null;
  const provider = providers.find((one) => one.domains.includes(domain));
  const mailbox = provider?.domains[0] ?? domain;
  let local = written;
  if (provider !== undefined) {
    const end = provider.tag === undefined ? -1 : local.indexOf(provider.tag);
    if (end > 0) local = local.slice(0, end);
    if (provider.ignored !== undefined) local = local.replace(provider.ignored, '');
    if (local === '') local = written;
  }
  return { canonical: `${local}@${mailbox}`, local, domain: mailbox, kind: kindOf(text, local) };
}

/** The mailbox behind a spelling, for look-ups and locks; the text itself where it is no address. */
export function canonicalEmail(email: string): string {
  return emailParts(email)?.canonical ?? email;
}

/** What providers ignore within an address. Their help pages say so; other domains may, but do not promise it. */
const providers: readonly { domains: readonly string[]; tag?: string; ignored?: RegExp }[] = [
  { domains: ['gmail.com', 'googlemail.com'], tag: '+', ignored: /\./g },
  { domains: ['proton.me', 'protonmail.com', 'pm.me'], tag: '+', ignored: /[._-]/g },
  { domains: ['icloud.com', 'me.com', 'mac.com'], tag: '+' },
  { domains: ['fastmail.com'], tag: '+' },
  { domains: ['outlook.com'], tag: '+' },
  { domains: ['hotmail.com'], tag: '+' },
  { domains: ['live.com'], tag: '+' },
  { domains: ['yahoo.com'], tag: '-' },
];

function kindOf(email: string, local: string): EmailParts['kind'] {
  if (isRelayEmail(email)) return 'relay';
  const desk = local.replace(/[._-]|\d+$/g, '');
  return roles.has(desk) ? 'role' : 'personal';
}

/** Mailboxes of RFC 2142 and those that shops and firms have, in the languages of our retailers. */
const roles: ReadonlySet<string> = new Set(
  `abuse accounting accounts accountspayable admin administration ap ar billing booking bookings bureau buchhaltung
  buero careers commandes compras compta comptabilite contact contacto contato customercare customerservice einkauf
  empfang enquiries enquiry facturacion facturation family familie famille finance frontdesk hello help helpdesk hola
  hostmaster hr info information inquiries inquiry invoice invoices it jobs kontakt kundenservice leitung mail mailbox
  management manager marketing media news newsletter noreply office office365 orders order ordini bestellung
  bestellungen pedidos post postmaster press procurement purchase purchasing rechnung rechnungen reception recepcion
  root sales sekretariat service services shop shopping shipping staff store studio support team test ventas verkauf
  vertrieb vente ventes warehouse web webmaster welcome zentrale`.split(/\s+/),
);
