-- What ends its process is told from what merely waited beside it: how often a process died while it may have been at work,
-- and, once that has happened, under whose lease it is tried by itself.
alter table "delivery" add column "takeovers" integer not null default 0, add column "claimed_by" text;
create index delivery_claimed on delivery (claimed_by) where claimed_by is not null;
