-- A sweep that breaks off goes on where it was, and tells about how much there is to read.
ALTER TABLE "sweep" ADD COLUMN "expected_count" INTEGER,
ADD COLUMN "resume" JSONB;
