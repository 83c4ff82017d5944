-- Places that runs hold under a limit, and the line in front of them.
CREATE TABLE slots (
    key BLOB NOT NULL,
    run TEXT NOT NULL,
    since INTEGER NOT NULL,
    is_held INTEGER NOT NULL,
    PRIMARY KEY (key, run)
) WITHOUT ROWID;
CREATE INDEX slots_line ON slots (key, is_held, since, run);
-- Where a run that is a fork comes from.
ALTER TABLE runs ADD COLUMN forked_run TEXT;
ALTER TABLE runs ADD COLUMN forked_seq INTEGER;
