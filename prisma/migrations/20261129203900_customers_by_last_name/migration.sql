-- People are looked for by their last name as often as by their whole one.
create index customer_by_last_name on customer (lower(last_name) text_pattern_ops);
