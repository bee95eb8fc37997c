import type { Edit } from '../../model/change.ts';
import type { NewEvent } from '../../model/event.ts';
import type {
  FulfilmentRule,
  FulfilmentRuleKind,
  FulfilmentRuleStatus,
} from '../../model/fulfilment-rule.ts';
import { sameJson, toJson } from '../graph/canonical-json.ts';
import {
  effectOnOrder,
  eventOf,
  InvalidInput,
  notFound,
  planLater,
  touch,
  type WriteContext,
} from '../graph/write-context.ts';
import { judgeRules } from './judge-rules.ts';
import { mergeRules, type RuleChanges, type StoredRule } from './merge-rules.ts';
import { noteHash } from './request-reading.ts';
import { tagsAfter } from './rule-tags.ts';

type Reading = Extract<Edit, { kind: 'orderNoteRead' }>;
type Decision = Extract<Edit, { kind: 'fulfilmentRuleDecide' }>;

/** Brings an order's rules in line with what a reader found in its note. A note that was changed meanwhile is left to the next reading. */
export async function applyReading(context: WriteContext, edit: Reading): Promise<'applied' | 'unchanged'> {
  const order = await loadOrder(context, edit.orderId);
  if (order === null || noteHash(order.note) !== edit.hash) return 'unchanged';
  const note = order.note ?? '';
  const { rules } = judgeRules(note, edit.rules, order.writtenOn);
  const stored = await loadRules(context, edit.orderId);
  const changes = mergeRules(note, stored, rules, edit.reader);
  await context.tx.query({
    name: 'finish-note-reading',
    text: `update note_reading set read_at = clock_timestamp(), reader = $3, fallback_reason = $4
           where order_id = $1 and hash = $2`,
    values: [edit.orderId, edit.hash, edit.reader, edit.fallbackReason],
  });
  return writeChanges(context, order, stored, changes);
}

/** What a person decides about one rule. @throws AppError NOT_FOUND, InvalidInput */
export async function decideRule(context: WriteContext, edit: Decision): Promise<'applied' | 'unchanged'> {
  const { rows } = await context.tx.query<{ orderId: bigint }>({
    name: 'order-of-rule',
    text: 'select order_id as "orderId" from fulfilment_rule where id = $1',
    values: [edit.ruleId],
  });
  const order = rows[0] === undefined ? null : await loadOrder(context, rows[0].orderId);
  if (order === null) throw notFound('fulfilment rule', edit.ruleId);
  const stored = await loadRules(context, order.id);
  const rule = stored.find((one) => one.id === edit.ruleId);
  if (rule === undefined) throw notFound('fulfilment rule', edit.ruleId);
  if (rule.status === 'withdrawn')
    throw new InvalidInput('id', 'is of a rule that the note no longer asks for.');
  touch(context.effects, 'Order', order.id);
  const status = edit.approve ? 'approved' : 'rejected';
  if (rule.status === status && rule.decidedBy === edit.by) return 'unchanged';
  const decided = { ...rule, status, reason: null, decidedBy: edit.by } as const;
  return writeChanges(context, order, stored, { added: [], changed: [decided] });
}

interface OrderFacts {
  id: bigint;
  number: string;
  note: string | null;
  tags: string[];
  /** YYYY-MM-DD, UTC. */
  writtenOn: string;
}

async function loadOrder(context: WriteContext, id: bigint): Promise<OrderFacts | null> {
  const { rows } = await context.tx.query<OrderFacts>({
    name: 'load-order-for-rules',
    text: `select id, number, note, tags, to_char(placed_at at time zone 'UTC', 'YYYY-MM-DD') as "writtenOn"
           from sales_order where id = $1 and removed_at is null for no key update`,
    values: [id],
  });
  return rows[0] ?? null;
}

async function loadRules(context: WriteContext, orderId: bigint): Promise<StoredRule[]> {
  const { rows } = await context.tx.query<StoredRule>({
    name: 'load-rules',
    text: `select id, kind, value, quote, confidence::float8 as confidence, status, reason, reader, decided_by as "decidedBy"
           from fulfilment_rule where order_id = $1 order by id`,
    values: [orderId],
  });
  return rows;
}

async function writeChanges(
  context: WriteContext,
  order: OrderFacts,
  stored: readonly StoredRule[],
  changes: RuleChanges,
): Promise<'applied' | 'unchanged'> {
  if (changes.added.length + changes.changed.length === 0) return 'unchanged';
  const added = await writeRules(context, order.id, changes);
  const after = [
    ...stored.map((rule) => changes.changed.find((one) => one.id === rule.id) ?? rule),
    ...changes.added,
  ];
  const tags = tagsAfter(order.tags, kindsInForce(stored), kindsInForce(after));
  const tagged = !sameJson(tags, order.tags);
  await context.tx.query({
    name: 'touch-order-of-rules',
    text: 'update sales_order set tags = $2, updated_at = clock_timestamp() where id = $1',
    values: [order.id, tags],
  });
  const effect = effectOnOrder(context.effects, order.id);
  effect.changedFields.add('fulfilmentRules');
  if (tagged) effect.changedFields.add('tags');
  planLater(context.effects, 'Order', order.id);
  context.effects.events.push(
    ...changes.added.flatMap((rule, index) =>
      ruleEvents(context, order, { ...rule, id: added[index] ?? 0n }, null),
    ),
    ...changes.changed.flatMap((rule) =>
      ruleEvents(context, order, rule, stored.find((one) => one.id === rule.id)?.status ?? null),
    ),
  );
  return 'applied';
}

/** @returns ids of the rules that were added, in their order. */
async function writeRules(context: WriteContext, orderId: bigint, changes: RuleChanges): Promise<bigint[]> {
  const columns = `kind fulfilment_rule_kind, value text, quote text, confidence numeric, status fulfilment_rule_status,
    reason text, reader note_reader, decided_by text`;
  const row = (rule: FulfilmentRule) => ({ ...rule, decided_by: rule.decidedBy });
  const { rows } = await context.tx.query<{ id: bigint }>({
    name: 'write-rules',
    text: `with changed as (
             update fulfilment_rule r set value = x.value, quote = x.quote, confidence = x.confidence, status = x.status,
               reason = x.reason, reader = x.reader, decided_by = x.decided_by,
               decided_at = case when x.decided_by is null then null
                 when x.decided_by is distinct from r.decided_by or x.status <> r.status then $4::timestamptz else r.decided_at end,
               updated_at = clock_timestamp()
             from jsonb_to_recordset($3::jsonb) as x(id bigint, ${columns}) where r.id = x.id and r.order_id = $1
             returning r.id)
           insert into fulfilment_rule (order_id, kind, value, quote, confidence, status, reason, reader, decided_by, decided_at)
           select $1, x.kind, x.value, x.quote, x.confidence, x.status, x.reason, x.reader, x.decided_by,
             case when x.decided_by is not null then $4::timestamptz end
           from jsonb_to_recordset($2::jsonb) as x(${columns})
           where (select count(*) from changed) >= 0
           returning id`,
    values: [orderId, toJson(changes.added.map(row)), toJson(changes.changed.map(row)), context.now],
  });
  return rows.map((one) => one.id);
}

function kindsInForce(rules: readonly FulfilmentRule[]): Set<FulfilmentRuleKind> {
  return new Set(rules.filter((rule) => rule.status === 'approved').map((rule) => rule.kind));
}

/** Told without the quote: events are kept for good, a buyer's words are not. */
function ruleEvents(
  context: WriteContext,
  order: OrderFacts,
  rule: StoredRule,
  before: FulfilmentRuleStatus | null,
): NewEvent[] {
  if (rule.status === before) return [];
  const payload = {
    number: order.number,
    ruleId: rule.id,
    kind: rule.kind,
    reader: rule.reader,
    decidedBy: rule.decidedBy,
  };
  return [eventOf(context, eventTypes[rule.status], { type: 'Order', id: order.id }, payload)];
}

const eventTypes = {
  proposed: 'fulfilment_rule.proposed',
  approved: 'fulfilment_rule.approved',
  rejected: 'fulfilment_rule.rejected',
  withdrawn: 'fulfilment_rule.withdrawn',
} as const;
