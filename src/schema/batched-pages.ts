import DataLoader from 'dataloader';
import type { Page } from '../loaders/page.ts';
import type { OperationContext } from './services.ts';

const loaders = new WeakMap<OperationContext, Map<string, DataLoader<string, Page<unknown>>>>();

/**
 * The page of one parent, read in one statement with the same page of its siblings. `key` names field and arguments:
 * parents that ask with the same ones share the statement.
 */
export function batchedPage<Row>(
  context: OperationContext,
  key: string,
  parentId: string,
  load: (parentIds: readonly string[]) => Promise<Page<Row>[]>,
): Promise<Page<Row>> {
  let ofOperation = loaders.get(context);
  if (ofOperation === undefined) {
    ofOperation = new Map();
    loaders.set(context, ofOperation);
  }
  let loader = ofOperation.get(key);
  if (loader === undefined) {
    loader = new DataLoader<string, Page<unknown>>((ids) => load(ids));
    ofOperation.set(key, loader);
  }
  return loader.load(parentId) as Promise<Page<Row>>;
}
