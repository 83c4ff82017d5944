-- Rows of runs. `seq` is null while only the log of the run is there.
CREATE TABLE runs (
    no INTEGER PRIMARY KEY,
    run TEXT NOT NULL UNIQUE,
    seq INTEGER,
    workflow TEXT,
    name TEXT,
    program BLOB,
    status TEXT,
    started_at INTEGER,
    updated_at INTEGER,
    due_at INTEGER
) STRICT;
CREATE INDEX runs_by_status ON runs (status, run) WHERE status IS NOT NULL;
CREATE INDEX runs_due ON runs (due_at, run) WHERE due_at IS NOT NULL;

-- Commits lie in the order they were written, whatever their run: one group of them fills few
-- pages, and only the pages of the narrow index are spread.
CREATE TABLE commits (
    place INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    first INTEGER NOT NULL,
    id TEXT NOT NULL,
    prev BLOB NOT NULL,
    hash BLOB NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (run, first)
) STRICT;

CREATE TABLE checkpoints (
    run TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE summaries (
    run TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE start_keys (
    key TEXT PRIMARY KEY,
    run TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Items are never deleted; a folded one is a tombstone.
CREATE TABLE inbox (
    place INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    folded INTEGER NOT NULL DEFAULT 0,
    UNIQUE (run, id)
) STRICT;
CREATE INDEX inbox_unread ON inbox (run, place) WHERE folded = 0;

CREATE TABLE blobs (
    hash BLOB PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE programs (
    hash BLOB PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- The newest version of a workflow is the one with the greatest place.
CREATE TABLE workflows (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    version BLOB NOT NULL,
    name TEXT NOT NULL,
    program BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (id, version)
) STRICT;
CREATE INDEX workflows_newest ON workflows (id, place);

-- One row per start of an owner.
CREATE TABLE boots (
    id TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    pid INTEGER NOT NULL
) STRICT;
