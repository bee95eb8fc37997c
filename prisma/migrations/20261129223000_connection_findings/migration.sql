-- What the last look at an account found: whether it has what its work needs.
alter table connection
  add column findings jsonb not null default '[]',
  add column examined_at timestamptz(6);
