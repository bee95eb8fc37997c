-- A person has taken an account off: its credentials are forgotten, what it brought stays.
alter type connection_status add value 'disconnected';
