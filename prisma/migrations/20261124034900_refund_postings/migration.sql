-- Refunds that their platform tells of no more leave documents behind that must be taken back. Their rows are gone: what
-- still knows the order are the link and the pushes, found by it whenever the order is planned.
create index link_refund_order on link ((remote_state->>'orderId')) where entity_type = 'Refund';
create index push_refund_order on push ((body->>'orderId'))
  where subject_type = 'Refund' and status in ('plan', 'pending', 'running', 'retrying');
