-- Documents that were written without a custom field for want of one of its name at the company.
create index link_fields_missing on link (connection_id) where remote_state ? 'missing';

-- What was left out so far stands in receipts only.
update link l set remote_state = l.remote_state || jsonb_build_object('missing', told.names)
from (
  select p.connection_id, p.subject_id, jsonb_agg(distinct lower(n->>'field')) as names
  from push p join receipt r on r.push_id = p.id
    cross join lateral jsonb_array_elements(
      case when jsonb_typeof(r.detail->'notWritten') = 'array' then r.detail->'notWritten' else '[]' end) as n
  where p.kind = 'salesReceipt' and p.subject_type = 'Order'
    and n->>'reason' = 'QuickBooks has no custom field of that name on its sales forms'
  group by p.connection_id, p.subject_id
) as told
where l.connection_id = told.connection_id and l.entity_type = 'Order' and l.entity_id = told.subject_id
  and l.remote_type in ('SalesReceipt', 'Invoice') and l.remote_state ? 'fields';
