import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { ExampleTab } from './examples.ts';

const gzip = promisify(gzipCallback);

/** GraphiQL as one page that loads nothing from elsewhere, compressed once. */
export class GraphiqlPage {
  readonly #tabs: readonly ExampleTab[];
  #compressed: Promise<Buffer> | undefined;

  constructor(tabs: readonly ExampleTab[]) {
    this.#tabs = tabs;
  }

  html(): string {
    return renderGraphiQL({
      title: 'Tributary',
      endpoint: '/graphql',
      subscriptionsProtocol: 'WS',
      isHeadersEditorEnabled: true,
      defaultEditorToolsVisibility: true,
      inputValueDeprecation: true,
      schemaDescription: true,
      defaultTabs: this.#tabs.map(({ query, variables }) => ({ query, variables: variables ?? null })),
    });
  }

  compressed(): Promise<Buffer> {
    this.#compressed ??= gzip(this.html());
    return this.#compressed;
  }
}
