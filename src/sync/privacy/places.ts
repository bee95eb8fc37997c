/*
 * Where the data of people is, table by table: how the rows about one person are found, and what erasing leaves of them.
 * Export and erasure read the same list, so that nothing is shown that would not be erased, and nothing is forgotten by one of
 * them. A table that is in none of these lists fails a test.
 */

export interface Place {
  table: string;
  /** Which ids `$1` stands for. */
  by: 'customers' | 'orders';
  where: string;
  /** What is set, or `delete`; null: nothing in it is personal, but it belongs to the person's file. */
  erase: string | null;
  /** True where a row speaks of two people: neither may be shown what it says of the other. */
  ofTwo?: true;
  /** Which of the rows speak of this person alone, where not all of them do; the others are erased as well, and shown to nobody. */
  shown?: string;
}

const ofOrders = 't.order_id = any($1)';
const refundsOfOrders = 'select r.id from refund r where r.order_id = any($1)';

/** What platforms were last known to hold: amounts and our own marks stay, so that no document is written again. */
const forgetState = `remote_state = coalesce((
    select jsonb_object_agg(key, case
      when key in ('mark', 'total', 'tax', 'currency', 'docNumber', 'date', 'content', 'written', 'corrected', 'value', 'received',
        'consent', 'void', 'refundMark', 'credited', 'account', 'gateway', 'amount', 'application', 'expenses') or key like 'tributary\\_%' or value = 'null' then value
      when key = 'fulfilmentRules' then case when value = '[]' then value else '["(erased)"]' end
      else '"(erased)"' end)
    from jsonb_each(t.remote_state) where key not in ('note', 'tags', '_written')), '{}')`;

/** Pushes that were written while two were taken for one. Begins at the few with whom that was so: most people find nobody. */
const whileOne = `select p.id from once_one_with($1) w
    cross join lateral (
      select 'Customer' as type, w.id
      union all select 'Order', o.id from sales_order o where o.customer_id = w.id
      union all select 'Refund', r.id from sales_order o join refund r on r.order_id = o.id where o.customer_id = w.id) as s
    join push p on p.subject_type = s.type and p.subject_id = s.id
  where p.created_at >= w.since and p.created_at < w.until and p.status in ('settled', 'superseded', 'dismissed')`;

export const places: readonly Place[] = [
  {
    table: 'customer',
    by: 'customers',
    where: 't.id = any($1)',
    erase: `first_name = null, last_name = null, company = null, email = null, phone = null, default_address = null, note = null,
      tags = '{}', provenance = '{}', updated_at = clock_timestamp()`,
  },
  {
    table: 'identity_key',
    by: 'customers',
    where: 't.identity_id in (select i.id from customer_identity i where i.customer_id = any($1))',
    erase: 'delete',
  },
  {
    table: 'merge_candidate',
    by: 'customers',
    where: '(t.customer_a_id = any($1) or t.customer_b_id = any($1))',
    erase: 'delete',
    ofTwo: true,
  },
  {
    table: 'customer_identity',
    by: 'customers',
    where: 't.customer_id = any($1)',
    erase: `email = null, phone = null, first_name = null, last_name = null, company = null, address = null, relay_email = false,
      facts = '{}', remote_id = case when remote_id like 'guest:%' then 'guest:erased-' || id else remote_id end`,
  },
  {
    table: 'customer_merge',
    by: 'customers',
    where: '(t.survivor_id = any($1) or t.absorbed_id = any($1))',
    erase: `before = '{}', evidence = '{}', edits = '{}'`,
    // Those that were undone are of two.
    shown: 't.undone_at is null',
  },
  {
    table: 'custom_field_value',
    by: 'customers',
    where: `t.entity_id = any($1) and t.field_id in (select f.id from custom_field f where f.owner = 'Customer')`,
    erase: 'delete',
  },
  {
    table: 'custom_field_value',
    by: 'orders',
    where: `t.entity_id = any($1) and t.field_id in (select f.id from custom_field f where f.owner = 'Order')`,
    erase: 'delete',
  },
  // While the note is still there: it tells what was made of it.
  {
    table: 'note_understanding',
    by: 'orders',
    where: `t.note_hash in (select encode(sha256(convert_to(o.note, 'UTF8')), 'hex') from sales_order o where o.id = any($1))`,
    erase: 'delete',
  },
  { table: 'fulfilment_rule', by: 'orders', where: ofOrders, erase: 'delete' },
  { table: 'note_reading', by: 'orders', where: ofOrders, erase: 'delete' },
  {
    table: 'sales_order',
    by: 'orders',
    where: 't.id = any($1)',
    erase: `email = null, phone = null, billing_address = null, shipping_address = null, note = null, tags = '{}', attributes = '[]',
      buyer_remote_id = case when buyer_remote_id like 'guest:%' then null else buyer_remote_id end, updated_at = clock_timestamp()`,
  },
  { table: 'order_line', by: 'orders', where: ofOrders, erase: `properties = '[]'` },
  { table: 'shipping_line', by: 'orders', where: ofOrders, erase: null },
  { table: 'discount_application', by: 'orders', where: ofOrders, erase: null },
  { table: 'tax_line', by: 'orders', where: ofOrders, erase: null },
  { table: 'order_transaction', by: 'orders', where: ofOrders, erase: null },
  {
    table: 'fulfilment',
    by: 'orders',
    where: ofOrders,
    erase: `tracking_numbers = '{}', tracking_urls = '{}'`,
  },
  { table: 'refund', by: 'orders', where: ofOrders, erase: 'note = null' },
  { table: 'refund_request', by: 'orders', where: ofOrders, erase: `body = body - 'note'` },
  { table: 'refund_line', by: 'orders', where: `t.refund_id in (${refundsOfOrders})`, erase: null },
  {
    table: 'refund_adjustment',
    by: 'orders',
    where: `t.refund_id in (${refundsOfOrders})`,
    erase: null,
  },
  {
    table: 'gift_card',
    by: 'orders',
    where: 't.order_line_id in (select l.id from order_line l where l.order_id = any($1))',
    erase: null,
  },
  {
    table: 'source_statement',
    by: 'customers',
    where: `(t.connection_id, t.kind, t.remote_id) in (
      select i.connection_id, k.kind, k.prefix || i.remote_id from customer_identity i
        cross join (values ('customer', ''), ('metafields', 'Customer:')) as k (kind, prefix)
      where i.customer_id = any($1))`,
    erase: `told = '{}'`,
  },
  {
    table: 'source_statement',
    by: 'orders',
    where: `(t.connection_id, t.kind, t.remote_id) in (
      select o.connection_id, k.kind, k.prefix || o.remote_id from sales_order o
        cross join (values ('order', ''), ('metafields', 'Order:')) as k (kind, prefix)
      where o.id = any($1))`,
    erase: `told = '{}'`,
  },
  {
    table: 'link',
    by: 'customers',
    where: `t.entity_type = 'Customer' and t.entity_id = any($1)`,
    erase: `remote_state = '{}'`,
  },
  {
    table: 'link',
    by: 'orders',
    where: `(t.entity_type = 'Order' and t.entity_id = any($1) or t.entity_type = 'Refund' and t.entity_id in (${refundsOfOrders}))`,
    erase: forgetState,
  },
  // What was written of somebody else while the two were taken for one. It waits no more: undoing a merge plans anew.
  {
    table: 'receipt',
    by: 'customers',
    where: `t.push_id in (${whileOne})`,
    erase: `detail = '{}'`,
    ofTwo: true,
  },
  {
    table: 'push',
    by: 'customers',
    where: `t.id in (${whileOne})`,
    erase: `body = '{}', error = null, remedy = null, dismissed_reason = case when dismissed_reason is not null then '' end`,
    ofTwo: true,
  },
  // What waits is planned again from what is left.
  ...pushes('customers', `t.subject_type = 'Customer' and t.subject_id = any($1)`),
  ...pushes(
    'orders',
    `(t.subject_type = 'Order' and t.subject_id = any($1) or t.subject_type = 'Refund' and t.subject_id in (${refundsOfOrders}))`,
  ),
];

function pushes(by: Place['by'], where: string): Place[] {
  const who =
    by === 'customers'
      ? '$1'
      : 'array(select distinct o.customer_id from sales_order o where o.id = any($1) and o.customer_id is not null)';
  const shown = `not exists (select 1 from once_one_with(${who}) w where t.created_at >= w.since and t.created_at < w.until)`;
  const ofPush = (condition: string) =>
    `t.push_id in (select p.id from push p where ${condition.replaceAll(/\bt\./g, 'p.')})`;
  return [
    {
      table: 'receipt',
      by,
      where: ofPush(where),
      erase: `detail = '{}'`,
      shown: ofPush(shown),
    },
    {
      table: 'push',
      by,
      where,
      shown,
      erase: `body = '{}', error = null, remedy = null,
        dismissed_reason = case when dismissed_reason is not null then '' end,
        next_attempt_at = case when status in ('plan', 'pending', 'retrying', 'dead') then null else next_attempt_at end,
        settled_at = case when status in ('plan', 'pending', 'retrying', 'dead') then clock_timestamp() else settled_at end,
        status = case when status in ('plan', 'pending', 'retrying', 'dead') then 'superseded' else status end`,
    },
  ];
}

/** Found by names and subjects instead of ids; erased on their own. */
export const otherPlaces: readonly string[] = ['delivery', 'event'];

/** Tables that say nothing about a buyer. */
export const impersonal: readonly string[] = [
  'alert',
  'api_key',
  'authority_review',
  'bundle_component',
  'channel_feed',
  'connection',
  'custom_field',
  'custom_field_backfill',
  'day_summary',
  'discount_allocation',
  'erased_name',
  'erasure_pepper',
  'event_head',
  'fulfilment_line',
  'identity_model',
  'listing',
  'location',
  'mutation_request',
  'note_usage',
  'order_line_stock',
  'payout',
  'payout_transaction',
  'privacy_request',
  'product',
  'reservation',
  'stock_expectation',
  'stock_level',
  'stock_movement',
  'stock_rule',
  'sweep',
  'variant',
  'worker_lease',
];
