-- What is asked for at every order and every report of a level costs the same however long the shop has been trading.

-- What has left of an order's lines.
CREATE INDEX "fulfilment_line_order_line_id_idx" ON "fulfilment_line"("order_line_id");
CREATE INDEX "order_return_line_order_line_id_idx" ON "order_return_line"("order_line_id");

-- What a level is owed is told by its last pushes.
create index push_tried_level on push (connection_id, subject_id, created_at) where subject_type = 'StockLevel' and attempts > 0;
create index push_settled_level on push (connection_id, subject_id, settled_at) where subject_type = 'StockLevel' and status = 'settled';

-- Expectations that nothing has met are dropped after a while.
create index stock_expectation_age on stock_expectation (occurred_at);
