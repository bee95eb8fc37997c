import type { Edit } from '../../model/change.ts';
import { sameJson } from '../graph/canonical-json.ts';
import { effectOnCustomer, planLater, touch, type WriteContext } from '../graph/write-context.ts';
import { loadCustomerRecord, updateCustomer } from './customer-record.ts';
import { foldGoldenRecord, onlyWhatIsSaid } from './golden-record.ts';

/** Folds the stored claims of these customers once more. @returns whether anything is another value than before */
export async function applyCustomersReview(
  context: WriteContext,
  { ids, forgetting }: Extract<Edit, { kind: 'customersReview' }>,
): Promise<'applied' | 'unchanged'> {
  let outcome: 'applied' | 'unchanged' = 'unchanged';
  for (const id of ids) {
    const record = await loadCustomerRecord(context.tx, id);
    if (record === null || record.mergedIntoId !== null) continue;
    const { record: golden, changedFields } =
      forgetting === true
        ? onlyWhatIsSaid(record.golden, record.identities)
        : foldGoldenRecord(record.golden, record.identities);
    if (!sameJson(record.golden, golden)) await updateCustomer(context.tx, id, golden);
    // Where the value is as before, an account that says otherwise may nevertheless have to be written over.
    planLater(context.effects, 'Customer', id);
    if (changedFields.length === 0) continue;
    const effect = effectOnCustomer(context.effects, id);
    for (const field of changedFields) effect.changedFields.add(field);
    touch(context.effects, 'Customer', id);
    outcome = 'applied';
  }
  return outcome;
}
