-- Whoever takes up a delivery takes up what else waits about its subject: few rows, found among all that wait.
create index delivery_waiting on delivery (connection_id, subject) where status in ('pending', 'retrying');
