-- What starts runs from outside, by its address. Documents that an older build stored have none: it
-- refused the types of node that are triggers.
CREATE TABLE triggers (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    workflow TEXT NOT NULL,
    node TEXT NOT NULL,
    stored_at INTEGER NOT NULL,
    listens TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX triggers_by_workflow ON triggers (tenant, workflow, id);
CREATE INDEX triggers_by_tenant ON triggers (tenant, id);
