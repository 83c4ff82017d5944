-- Where a run that is a fork comes from.
ALTER TABLE runs ADD COLUMN forked_run TEXT;
ALTER TABLE runs ADD COLUMN forked_seq INTEGER;
