-- What needs somebody and was told outside: so that it is told once, again when it grows, and when it is over.
create table alert (
  key text primary key,
  title text not null,
  count integer not null,
  told_at timestamptz(6) not null default current_timestamp
);
