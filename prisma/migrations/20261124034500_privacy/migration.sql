-- CreateEnum
CREATE TYPE "privacy_request_kind" AS ENUM ('export', 'erase_person', 'erase_account');

-- AlterTable
ALTER TABLE "customer" ADD COLUMN     "erased_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "sales_order" ADD COLUMN     "erased_at" TIMESTAMPTZ(6);

-- AlterTable
ALTER TABLE "note_understanding" ADD COLUMN     "note_hash" TEXT;

-- CreateTable
CREATE TABLE "privacy_request" (
    "id" BIGSERIAL NOT NULL,
    "kind" "privacy_request_kind" NOT NULL,
    "connection_id" BIGINT,
    "requested_by" TEXT NOT NULL,
    "reference" TEXT NOT NULL,
    "customer_id" BIGINT,
    "requested_at" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "due_at" TIMESTAMPTZ(6) NOT NULL,
    "completed_at" TIMESTAMPTZ(6),
    "completed_by" TEXT,
    "counts" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "privacy_request_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "erased_name" (
    "digest" BYTEA NOT NULL,
    "request_id" BIGINT NOT NULL,
    "stand_in" TEXT,
    "erased_at" TIMESTAMPTZ(6) NOT NULL,

    CONSTRAINT "erased_name_pkey" PRIMARY KEY ("digest")
);

-- CreateTable
CREATE TABLE "erasure_pepper" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "pepper" BYTEA NOT NULL,

    CONSTRAINT "erasure_pepper_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "note_understanding_note_hash_idx" ON "note_understanding"("note_hash");

-- CreateIndex
CREATE INDEX "privacy_request_requested_at_id_idx" ON "privacy_request"("requested_at", "id");

-- A request that comes again is the same one.
create unique index privacy_request_once on privacy_request (kind, coalesce(connection_id, 0), reference);
alter table privacy_request add constraint privacy_request_completed check ((completed_at is null) = (completed_by is null));
alter table erasure_pepper add constraint erasure_pepper_is_one_row check (id = 1);
insert into erasure_pepper (pepper) values (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

create function erased_digest(name text) returns bytea
language sql stable parallel safe as $$
  select sha256(p.pepper || convert_to(name, 'UTF8')) from erasure_pepper p where p.id = 1
$$;

-- What still arrives about somebody who was erased is stored like everything else, and emptied as soon as it is done with,
-- whichever way it is settled.
create function empty_erased_body() returns trigger
language plpgsql as $$
begin
  if exists (select 1 from erasure_pepper p join erased_name e
               on e.digest = sha256(p.pepper || convert_to('subject:' || new.connection_id || ':' || lower(new.subject), 'UTF8'))) then
    new.body := '';
  end if;
  return new;
end
$$;
create trigger delivery_of_erased_is_emptied before update of status on delivery for each row
  when (new.status = 'settled' and old.status <> 'settled' and length(new.body) > 0)
  execute function empty_erased_body();

-- An event is history. The one door is erasure: of the payload alone, within one transaction, in the name of a request
-- that is on record.
create function refuse_event_change() returns trigger
language plpgsql as $$
begin
  if (new.position, new.type, new.subject_type, new.subject_id, new.source, new.recorded_at)
       is distinct from (old.position, old.type, old.subject_type, old.subject_id, old.source, old.recorded_at)
     or new.delivery_id is distinct from old.delivery_id or new.push_id is distinct from old.push_id
     or not exists (select 1 from privacy_request
                    where id = nullif(current_setting('tributary.erasure', true), '')::bigint) then
    raise exception 'event rows are never changed' using errcode = 'restrict_violation';
  end if;
  return new;
end
$$;
create trigger event_is_append_only before update on event for each row execute function refuse_event_change();

-- Leaves of the payloads of these subjects' events what says nothing about a person.
create function erase_events(request bigint, subject_types text[], subject_ids bigint[]) returns bigint
language plpgsql as $$
declare
  many bigint;
begin
  perform set_config('tributary.erasure', request::text, true);
  update event e set payload = (
      select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(e.payload)
      where key in ('number', 'channel', 'totalMinor', 'currency', 'financialStatus', 'customerId', 'orderId', 'changedFields',
        'kind', 'status', 'version', 'connectionId', 'platform', 'subject', 'attempts', 'remoteType', 'adopted', 'code', 'ruleId',
        'reader', 'fulfilmentId', 'refundId', 'amountMinor', 'requestId', 'mergedIntoId')
    ) || '{"erased": true}'
  from unnest(subject_types, subject_ids) as s(type, id)
  where e.subject_type = s.type and e.subject_id = s.id and not e.payload ? 'erased';
  get diagnostics many = row_count;
  perform set_config('tributary.erasure', '', true);
  return many;
end
$$;
