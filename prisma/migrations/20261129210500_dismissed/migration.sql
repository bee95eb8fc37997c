-- A dead letter that a person has closed. A migration of its own: a new value of an enum cannot be used before it is committed.
alter type "push_status" add value 'dismissed';
alter type "delivery_status" add value 'dismissed';
alter type "stock_cause" add value 'dismissal';
