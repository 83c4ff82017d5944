-- Runs and workflows belong to tenants; what was stored before is that of a laptop.
ALTER TABLE runs ADD COLUMN tenant TEXT NOT NULL DEFAULT 'local';

-- Each list is walked in its own order, newest run first, and `started_at` stands in the index so
-- that rows of another time are passed over without a look at them.
DROP INDEX runs_by_status;
CREATE INDEX runs_by_tenant ON runs (tenant, run, started_at) WHERE status IS NOT NULL;
CREATE INDEX runs_by_status ON runs (tenant, status, run, started_at) WHERE status IS NOT NULL;
CREATE INDEX runs_by_workflow ON runs (tenant, workflow, run, started_at)
    WHERE status IS NOT NULL;

-- The newest version of a workflow is the one with the greatest place. The document stands last,
-- so that lists do not read it.
CREATE TABLE tenant_workflows (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    version BLOB NOT NULL,
    name TEXT NOT NULL,
    program BLOB NOT NULL,
    stored_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (tenant, id, version)
) STRICT;
INSERT INTO tenant_workflows (place, tenant, id, version, name, program, stored_at, document)
    SELECT place, 'local', id, version, name, program, stored_at, document
    FROM workflows ORDER BY place;
DROP TABLE workflows;
ALTER TABLE tenant_workflows RENAME TO workflows;
CREATE INDEX workflows_newest ON workflows (tenant, id, place);
