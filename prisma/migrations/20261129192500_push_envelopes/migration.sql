-- Several pushes may travel in one request, which has to be repeated as it was where its answer is lost.
ALTER TABLE "push" ADD COLUMN "envelope_key" TEXT;

create index push_envelope on push (envelope_key) where envelope_key is not null;
