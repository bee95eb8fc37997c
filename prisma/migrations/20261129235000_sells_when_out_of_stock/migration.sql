-- What is made to order, or sold ahead, is meant to be sold when there is none.
alter table variant add column sells_when_out_of_stock boolean not null default false;
