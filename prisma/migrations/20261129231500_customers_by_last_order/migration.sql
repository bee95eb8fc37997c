-- Lists of customers by when they last ordered and by how often: who never has stands at one end, so that every row has its place.
create index customer_by_last_order on customer (coalesce(last_order_at, '0001-01-01T00:00:00Z'::timestamptz), id);
create index customer_by_order_count on customer (order_count, id);
