-- Goods that are there and cannot be sold are taken off the stock under a name of their own.
alter type "stock_cause" add value 'write_off';
