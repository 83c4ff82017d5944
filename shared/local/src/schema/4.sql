-- A schedule that rests, and what it has fired. `note_revision` and `is_open` say of `note` what is
-- asked of it.
ALTER TABLE triggers ADD COLUMN pause TEXT;
ALTER TABLE triggers ADD COLUMN note TEXT;
ALTER TABLE triggers ADD COLUMN note_revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE triggers ADD COLUMN is_open INTEGER NOT NULL DEFAULT 0;
CREATE INDEX triggers_open ON triggers (id) WHERE is_open = 1;
