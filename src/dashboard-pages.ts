import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * Every page has the same head, header and way to sign in (`shell.html`); what is its own is its content and these few words.
 * Words and files are ours, so that nothing has to be escaped.
 */

interface DashboardPage {
  title: string;
  /** What the links to it say. */
  link: string;
  description: string;
  script: string;
  content: string;
  /** Where somebody without a mouse gets to at once. */
  main: string;
  /** What a key needs to see it. */
  scopes: string;
  /** What such a key may be called. */
  key: string;
}

const pages: Readonly<Record<string, DashboardPage>> = {
  '/': {
    title: 'Tributary',
    link: 'Dashboard',
    description: 'Orders, stock and refunds as they happen, and how well every platform is kept in step.',
    script: 'page.js',
    content: 'index.html',
    main: 'orders-title',
    scopes: listed('read:orders', 'read:customers', 'read:stock', 'read:sync'),
    key: 'dashboard',
  },
  '/stock': {
    title: 'Stock · Tributary',
    link: 'Stock',
    description:
      'What is where, what each channel offers of it and how fresh that is, what is set aside and what was oversold.',
    script: 'stock.js',
    content: 'stock.html',
    main: 'levels-title',
    scopes: listed('read:stock', 'read:sync'),
    key: 'stock',
  },
  '/review': {
    title: 'For decision · Tributary',
    link: 'For decision',
    description:
      'What Tributary asks a person: who is one person, which wishes hold, which values are meant.',
    script: 'review.js',
    content: 'review.html',
    main: 'pairs-title',
    scopes: `${listed('read:orders', 'read:customers', 'read:sync')}; to decide, ${listed('write:customers', 'write:orders')}`,
    key: 'review',
  },
};

/** The whole of a page; null where none has this path. */
export async function pageAt(path: string, folder: string): Promise<Buffer | null> {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  if (page === undefined) return null;
  const [shell, content] = await Promise.all([
    readFile(join(folder, 'shell.html'), 'utf8'),
    readFile(join(folder, page.content), 'utf8'),
  ]);
  const words: Readonly<Record<string, string>> = {
    ...page,
    content: content.trimEnd(),
    nav: linksFrom(path),
  };
  return Buffer.from(shell.replaceAll(/\{(\w+)\}/g, (given, name: string) => words[name] ?? given));
}

function linksFrom(path: string): string {
  const links = Object.entries(pages).map(([target, { link }]) => {
    const count = target === '/review' ? '<span id="questions"></span>' : '';
    return `<a href="${target}"${target === path ? ' aria-current="page"' : ''}>${link}${count}</a>`;
  });
  return [...links, '<a href="/graphql">GraphiQL</a>'].join(' ');
}

function listed(...scopes: string[]): string {
  const marked = scopes.map((scope) => `<code>${scope}</code>`);
  return `${marked.slice(0, -1).join(', ')} and ${marked.at(-1)}`;
}
