-- Who carries a push out, by the name of its lease, and how often whoever did has died of it.
alter table push add column claimed_by text;
alter table push add column takeovers integer not null default 0;
