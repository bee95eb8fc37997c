import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { renderGraphiQL } from '@graphql-yoga/render-graphiql';
import type { ExampleTab } from './examples.ts';

const gzip = promisify(gzipCallback);

/**
 * Browsers send no headers with a WebSocket, and GraphiQL sends those of its tab over HTTP only: here they go along when a
 * socket is opened. Runs in the browser.
 */
const keyOfTheTab = `() => {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem('graphiql:tabState'));
    return JSON.parse(tabs[activeTabIndex].headers) ?? {};
  } catch {
    return {};
  }
}`;

/**
 * GraphiQL's own styles leave a tab displaced unless it has no focus: pressing the mouse on one moves it away before the
 * button is released, and the click is lost.
 */
const tabsThatStay = '<style>.graphiql-tab{transform:none!important}</style>';

/** GraphiQL as one page that loads nothing from elsewhere, compressed once. */
export class GraphiqlPage {
  readonly #tabs: readonly ExampleTab[];
  #compressed: Promise<Buffer> | undefined;

  constructor(tabs: readonly ExampleTab[]) {
    this.#tabs = tabs;
  }

  html(): string {
    const page = renderGraphiQL({
      title: 'Tributary',
      endpoint: '/graphql',
      subscriptionsProtocol: 'WS',
      isHeadersEditorEnabled: true,
      defaultEditorToolsVisibility: true,
      inputValueDeprecation: true,
      schemaDescription: true,
      defaultTabs: this.#tabs.map(({ query, variables }) => ({ query, variables: variables ?? null })),
    });
    // A function passes through no JSON, so it is put into the options as they stand in the page.
    const options = '"subscriptionsProtocol":"WS"';
    if (page.split(options).length !== 2)
      throw new Error('GraphiQL is rendered in another way than expected');
    return page
      .replace(options, () => `${options},"connectionParams":${keyOfTheTab}`)
      .replace('</head>', `${tabsThatStay}</head>`);
  }

  compressed(): Promise<Buffer> {
    this.#compressed ??= gzip(this.html());
    return this.#compressed;
  }
}
