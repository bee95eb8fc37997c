import type { Queryable, Tx } from '../../db/pool.ts';
import { AppError } from '../../errors.ts';
import type { CustomField, CustomFieldDeclaration, CustomFieldOwner } from '../../model/custom-field.ts';
import { requestBackfill } from './request-backfill.ts';

const columns = `f.id, f.owner, f.key, f.name, f.description, f.type, f.source, f.transform, f.limits, f.options,
  f.hubspot_property as "hubspotProperty", f.quickbooks_field as "quickbooksField", f.write_back as "writeBack", f.authority, f.declared_by as "declaredBy"`;

/** Every custom field there is: a retailer has a handful. */
export async function loadCustomFields(db: Queryable): Promise<CustomField[]> {
  const { rows } = await db.query<CustomField>({
    name: 'load-custom-fields',
    text: `select ${columns} from custom_field f order by f.owner, f.key`,
    values: [],
  });
  return rows;
}

/**
 * Declares a field, or declares it anew: its values are worked out again from what is known, and filled in for everybody
 * who was there before. @returns the field's id, and whether it is another one than before
 * @throws AppError FIELD_TYPE_FIXED, FIELD_TARGET_TAKEN, FORM_FIELD_TAKEN, DECLARED_BY_FILE
 */
export async function upsertCustomField(
  tx: Tx,
  declaration: CustomFieldDeclaration,
  declaredBy: CustomField['declaredBy'],
): Promise<{ id: bigint; changed: boolean }> {
  // One declaration at a time: what they must not share is looked at before it is written.
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('custom fields', 3))`);
  const all = await loadCustomFields(tx);
  const before = all.find((one) => one.owner === declaration.owner && one.key === declaration.key);
  if (before !== undefined && before.declaredBy === 'file' && declaredBy === 'api')
    throw declaredByFile(before);
  if (before !== undefined && before.type !== declaration.type) throw typeFixed(before, declaration);
  for (const rival of all.filter((one) => one.id !== before?.id && one.owner === declaration.owner)) {
    const shared = targets.find((target) => isSameTarget(rival[target], declaration[target]));
    if (shared !== undefined) throw targetTaken(rival, shared);
  }
  const { rows } = await tx.query<{ id: bigint; changed: boolean }>(
    `with saved as (
       insert into custom_field as f (owner, key, name, description, type, source, transform, limits, options, hubspot_property,
         authority, declared_by, quickbooks_field, write_back)
       values ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9::jsonb, $10, $11, $12, $13, $14)
       on conflict (owner, key) do update set name = excluded.name, description = excluded.description,
         source = excluded.source, transform = excluded.transform, limits = excluded.limits, options = excluded.options,
         hubspot_property = excluded.hubspot_property, authority = excluded.authority, declared_by = excluded.declared_by,
         quickbooks_field = excluded.quickbooks_field, write_back = excluded.write_back, updated_at = clock_timestamp()
       where (f.name, f.description, f.source, f.transform, f.limits, f.options, f.hubspot_property, f.authority, f.declared_by,
           f.quickbooks_field, f.write_back)
         is distinct from (excluded.name, excluded.description, excluded.source, excluded.transform, excluded.limits,
           excluded.options, excluded.hubspot_property, excluded.authority, excluded.declared_by, excluded.quickbooks_field, excluded.write_back)
       returning f.id)
     select id, true as changed from saved
     union all select f.id, false from custom_field f where f.owner = $1 and f.key = $2 and not exists (select from saved)`,
    [
      declaration.owner,
      declaration.key,
      declaration.name,
      declaration.description,
      declaration.type,
      JSON.stringify(declaration.source),
      JSON.stringify(declaration.transform),
      JSON.stringify(declaration.limits),
      JSON.stringify(declaration.options),
      declaration.hubspotProperty,
      declaration.authority,
      declaredBy,
      declaration.quickbooksField,
      declaration.writeBack,
    ],
  );
  const [saved] = rows;
  if (saved === undefined) throw new Error('a custom field was neither written nor found');
  if (saved.changed) await requestBackfill(tx, saved.id);
  return saved;
}

/**
 * Forgets a field and its values here. What was written at the platforms stays there: people may have come to rely on it.
 * @throws AppError CUSTOM_FIELD_UNKNOWN, DECLARED_BY_FILE
 */
export async function deleteCustomField(
  tx: Tx,
  { owner, key }: { owner: CustomFieldOwner; key: string },
  by: CustomField['declaredBy'],
): Promise<bigint> {
  const field = (await loadCustomFields(tx)).find((one) => one.owner === owner && one.key === key);
  if (field === undefined)
    throw refused(
      'CUSTOM_FIELD_UNKNOWN',
      `key: there is no custom field "${key.slice(0, 60)}" of ${owner.toLowerCase()}s. The query \`customFields\` lists them.`,
    );
  if (field.declaredBy === 'file' && by === 'api') throw declaredByFile(field);
  await tx.query('delete from custom_field where id = $1', [field.id]);
  return field.id;
}

/** Brings what was declared by a file up to what the file says now. @returns how many fields are not as before */
export async function declareFromFile(
  tx: Tx,
  declarations: readonly CustomFieldDeclaration[],
): Promise<number> {
  const wanted = new Set(declarations.map((one) => `${one.owner} ${one.key}`));
  const gone = (await loadCustomFields(tx)).filter(
    (one) => one.declaredBy === 'file' && !wanted.has(`${one.owner} ${one.key}`),
  );
  for (const field of gone) await deleteCustomField(tx, field, 'file');
  await freeTargets(tx, declarations);
  let changed = gone.length;
  for (const declaration of declarations)
    if ((await upsertCustomField(tx, declaration, 'file')).changed) changed += 1;
  return changed;
}

/** Fields of the file may swap what they are sent to: each lets go of it before another takes it. */
async function freeTargets(tx: Tx, declarations: readonly CustomFieldDeclaration[]): Promise<void> {
  for (const field of await loadCustomFields(tx)) {
    if (field.declaredBy !== 'file') continue;
    const next = declarations.find((one) => one.owner === field.owner && one.key === field.key);
    if (next === undefined || targets.every((target) => next[target] === field[target])) continue;
    await tx.query('update custom_field set hubspot_property = null, quickbooks_field = null where id = $1', [
      field.id,
    ]);
  }
}

/** What at most one field of an owner may be sent to. */
const targets = ['hubspotProperty', 'quickbooksField'] as const;

function isSameTarget(one: string | null, other: string | null): boolean {
  return one !== null && one.toLowerCase() === other?.toLowerCase();
}

function declaredByFile(field: CustomField): AppError {
  return refused(
    'DECLARED_BY_FILE',
    `The custom field ${field.key} is declared by the file CUSTOM_FIELDS_FILE; change it there.`,
  );
}

function typeFixed(field: CustomField, wanted: CustomFieldDeclaration): AppError {
  return refused(
    'FIELD_TYPE_FIXED',
    `The custom field ${field.key} is a ${field.type} and cannot become a ${wanted.type}: platforms keep a property's type. Delete it and declare another key and property.`,
  );
}

function targetTaken(field: CustomField, target: (typeof targets)[number]): AppError {
  return refused(
    target === 'hubspotProperty' ? 'FIELD_TARGET_TAKEN' : 'FORM_FIELD_TAKEN',
    `The custom field ${field.key} is sent to ${target} ${field[target]} already; name another one.`,
  );
}

function refused(code: string, publicMessage: string): AppError {
  return new AppError({ code, retryable: false, publicMessage });
}
