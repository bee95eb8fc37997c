import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pageAt } from './dashboard-pages.ts';
import { sendJson } from './http.ts';

const folder = fileURLToPath(new URL('../dashboard', import.meta.url));
/** The library that the page subscribes with, served as it comes in its npm package. */
const graphqlWsFolder = dirname(createRequire(import.meta.url).resolve('graphql-ws/client'));

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

const pageFiles = new Set([
  'stock.js',
  'style.css',
  'favicon.svg',
  'page.js',
  'books.js',
  'tie-out.js',
  'review.js',
  'session.js',
  'live.js',
  'order.js',
  'rows.js',
  'status.js',
  'words.js',
]);

/** Serves the dashboard's few files; anything else is not found. The page talks to nothing but our own GraphQL API. */
export async function serveDashboard(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname;
  const content = (await pageAt(path, folder)) ?? (await fileAt(path));
  if (content === null) return sendJson(response, 404, { error: `Nothing is served at ${path}.` });
  const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
  const headers = {
    etag,
    'cache-control': 'no-cache',
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws: wss:; base-uri 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, {
    ...headers,
    'content-type': contentTypes[extname(path) || '.html'] ?? 'application/octet-stream',
  });
  response.end(request.method === 'HEAD' ? undefined : content);
}

async function fileAt(path: string): Promise<Buffer | null> {
  const file = fileOf(path);
  return file === null ? null : readFile(file).catch(() => null);
}

function fileOf(path: string): string | null {
  const library = /^\/assets\/graphql-ws\/([\w.-]+\.js)$/.exec(path)?.[1];
  if (library !== undefined) return join(graphqlWsFolder, library);
  const name = basename(path);
  return path === `/${name}` && pageFiles.has(name) ? join(folder, name) : null;
}
