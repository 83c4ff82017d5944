//! Workflow documents: the newest version and all others in the table, the texts in the bucket.
//!
//! The item `newest` decides. It counts the writes to its workflow (`place`) and names the generation
//! of versions that belongs to it. A delete leaves it as a tombstone, which keeps the count, and the
//! next save begins a generation of its own: versions of an old one are invisible at once, however
//! many there are, and are removed behind that.

use crate::append::ABSENT;
use crate::error::{BUCKET, TABLE, corrupt};
use crate::item::{Builder, Item, Reader, hash, key, number, text};
use crate::keys::{self, LIST, LIST_P, LIST_S, List, NEWEST, S};
use crate::store::AwsStore;
use crate::table::{Ask, Expression, Transacted, Written};
use aws_sdk_dynamodb::types::{Put as PutAction, TransactWriteItem};
use futures::future::try_join_all;
use lattice_ir::Program;
use lattice_model::limits::CLOUD_OVERTAKEN_MAX;
use lattice_model::{Hash, ProgramHash, Tenant, WorkflowId};
use lattice_ports::{Expect, PortError, StoredWorkflow, WorkflowPut, WorkflowVersion, Workflows};
use std::sync::Arc;

/// What stands in `newest`.
struct Newest {
    place: u64,
    generation: u64,
    /// `None` = the workflow was deleted.
    row: Option<WorkflowVersion>,
}

impl Workflows for AwsStore {
    async fn put_program(&self, hash: ProgramHash, program: Arc<Program>) -> Result<(), PortError> {
        self.write_program(hash, &program).await
    }

    async fn program(&self, hash: ProgramHash) -> Result<Arc<Program>, PortError> {
        self.read_program(hash).await
    }

    async fn put_workflow(
        &self,
        workflow: StoredWorkflow,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        let StoredWorkflow { row, document } = workflow;
        let mut stored = false;
        for _ in 0..CLOUD_OVERTAKEN_MAX {
            let newest = self.newest(&row.tenant, &row.id).await?;
            if let Some(conflict) = conflict(newest.as_ref(), expect) {
                return Ok(conflict);
            }
            if !stored {
                // Before the row that names it: a reader of the row finds it.
                let place = keys::object("documents", row.version);
                self.bucket
                    .put(&place, document.as_bytes().to_vec())
                    .await?;
                stored = true;
            }
            if self.write_version(&row, newest.as_ref()).await? {
                return Ok(WorkflowPut::Done);
            }
        }
        Err(self.overtaken(&row.id))
    }

    async fn delete_workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        expect: Expect,
    ) -> Result<WorkflowPut, PortError> {
        for _ in 0..CLOUD_OVERTAKEN_MAX {
            let newest = self.newest(tenant, id).await?;
            if let Some(conflict) = conflict(newest.as_ref(), expect) {
                return Ok(conflict);
            }
            let Some(newest) = newest.filter(|newest| newest.row.is_some()) else {
                return Ok(WorkflowPut::Done);
            };
            let condition = Expression::new("place = :was")
                .name("version")
                .value("was", number(newest.place))
                .value("place", number(newest.place + 1));
            let place = key(keys::workflow(tenant, id), NEWEST);
            let change = "SET place = :place REMOVE lp, ls, #version";
            if let Written::Done(_) = self.table.update(place, change, condition).await? {
                self.clear(tenant, id, newest.generation).await;
                return Ok(WorkflowPut::Done);
            }
        }
        Err(self.overtaken(id))
    }

    async fn workflow(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        version: Option<Hash>,
    ) -> Result<Option<StoredWorkflow>, PortError> {
        let newest = self.newest(tenant, id).await?;
        let Some((generation, row)) = newest.and_then(|it| Some((it.generation, it.row?))) else {
            return Ok(None);
        };
        let row = match version.filter(|version| *version != row.version) {
            None => row,
            Some(version) => {
                let place = key(
                    keys::workflow(tenant, id),
                    keys::version(generation, version),
                );
                match self.table.get(place).await? {
                    Some(item) => read_row(&item)?,
                    None => return Ok(None),
                }
            }
        };
        let help = "store the workflow again";
        let place = keys::object("documents", row.version);
        let document = self
            .bucket
            .named("document", &place, row.version, help)
            .await?;
        let document = String::from_utf8(document);
        let document = document.map_err(|_| corrupt(BUCKET, format!("`{place}` is no text")))?;
        Ok(Some(StoredWorkflow {
            row,
            document: Arc::from(document),
        }))
    }

    async fn workflows(
        &self,
        tenant: &Tenant,
        after: Option<&WorkflowId>,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        // No workflow has an empty id, so everything stands behind a blank.
        let after = after.map_or(" ", WorkflowId::as_str);
        let items = self
            .listed(List::Workflows, tenant, after, None, limit)
            .await?;
        let rows: Result<Vec<WorkflowVersion>, _> = items.iter().map(read_row).collect();
        let mut rows = rows?;
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        rows.truncate(limit);
        Ok(rows)
    }

    async fn versions(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        limit: usize,
    ) -> Result<Vec<WorkflowVersion>, PortError> {
        let newest = self.newest(tenant, id).await?;
        let Some(newest) = newest.filter(|newest| newest.row.is_some()) else {
            return Ok(Vec::new());
        };
        let items = self.generation(tenant, id, newest.generation).await?;
        let mut rows: Vec<(u64, WorkflowVersion)> = Vec::with_capacity(items.len());
        for item in &items {
            rows.push((Reader(item).number("place")?, read_row(item)?));
        }
        rows.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        Ok(rows.into_iter().take(limit).map(|(_, row)| row).collect())
    }
}

impl AwsStore {
    async fn newest(&self, tenant: &Tenant, id: &WorkflowId) -> Result<Option<Newest>, PortError> {
        let found = self
            .table
            .get(key(keys::workflow(tenant, id), NEWEST))
            .await?;
        let Some(item) = found else {
            return Ok(None);
        };
        let reader = Reader(&item);
        Ok(Some(Newest {
            place: reader.number("place")?,
            generation: reader.number("generation")?,
            row: reader.has("version").then(|| read_row(&item)).transpose()?,
        }))
    }

    /// Makes a version the newest, if nobody wrote since `newest` was read; says whether it did.
    async fn write_version(
        &self,
        row: &WorkflowVersion,
        newest: Option<&Newest>,
    ) -> Result<bool, PortError> {
        let place = newest.map_or(1, |newest| newest.place + 1);
        let goes_on = newest.filter(|newest| newest.row.is_some());
        let generation = goes_on.map_or(place, |newest| newest.generation);
        let condition = match newest {
            None => Expression::new(ABSENT),
            Some(newest) => Expression::new("place = :was").value("was", number(newest.place)),
        };
        let first = PutAction::builder()
            .table_name(self.table.name())
            .set_item(Some(newest_item(row, place, generation)))
            .condition_expression(&condition.text)
            .set_expression_attribute_values(condition.values());
        let second = PutAction::builder()
            .table_name(self.table.name())
            .set_item(Some(version_item(row, place, generation)));
        let mut actions = Vec::new();
        for put in [first, second] {
            let put = put
                .build()
                .map_err(|error| corrupt(TABLE, error.to_string()))?;
            actions.push(TransactWriteItem::builder().put(put).build());
        }
        match self.table.transact(actions).await? {
            Transacted::Done => Ok(true),
            // Somebody wrote, or writes: what is expected has to be looked at again.
            Transacted::Cancelled(_) => Ok(false),
        }
    }

    async fn generation(
        &self,
        tenant: &Tenant,
        id: &WorkflowId,
        generation: u64,
    ) -> Result<Vec<Item>, PortError> {
        let keys = Expression::new("p = :p AND begins_with(s, :versions)")
            .value("p", text(keys::workflow(tenant, id)))
            .value("versions", text(keys::versions(generation)));
        let ask = Ask {
            keys,
            ..Ask::default()
        };
        self.table.ask(&ask, usize::MAX).await
    }

    /// Removes versions that nobody can see any more. What is left of them is harmless.
    async fn clear(&self, tenant: &Tenant, id: &WorkflowId, generation: u64) {
        let cleared = async {
            for item in self.generation(tenant, id, generation).await? {
                let sort = Reader(&item).text(S)?.to_owned();
                self.table
                    .delete(key(keys::workflow(tenant, id), sort))
                    .await?;
            }
            Ok::<(), PortError>(())
        };
        if let Err(error) = cleared.await {
            tracing::warn!(%tenant, workflow = %id, %error, "versions of a deleted workflow are left");
        }
    }

    /// What stands in a tenant's list behind an id: of each shard as much as is wanted of all.
    pub(crate) async fn listed(
        &self,
        list: List,
        tenant: &Tenant,
        after: &str,
        filter: Option<(&str, Expression)>,
        limit: usize,
    ) -> Result<Vec<Item>, PortError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (filter, values) = filter.unzip();
        let asks = list.shards(tenant).into_iter().map(|shard| {
            let mut keys = values.clone().unwrap_or_default();
            keys.text = "lp = :shard AND ls > :after".to_owned();
            Ask {
                index: Some(LIST),
                keys: keys.value("shard", text(shard)).value("after", text(after)),
                filter: filter.map(str::to_owned),
                ..Ask::default()
            }
        });
        let asks: Vec<Ask> = asks.collect();
        let found = try_join_all(asks.iter().map(|ask| self.table.ask(ask, limit))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    fn overtaken(&self, id: &WorkflowId) -> PortError {
        let reason = format!("others keep writing workflow `{id}`");
        self.table.resource().unavailable(reason)
    }
}

/// What stands in the way of a write, if anything does.
fn conflict(newest: Option<&Newest>, expect: Expect) -> Option<WorkflowPut> {
    let standing = newest.and_then(|newest| newest.row.as_ref());
    let standing = standing.map(|row| row.version);
    (!expect.holds(standing)).then_some(WorkflowPut::Conflict(standing))
}

fn row_item(row: &WorkflowVersion, sort: String, place: u64, generation: u64) -> Builder {
    Builder::at(keys::workflow(&row.tenant, &row.id), sort)
        .with("tenant", text(row.tenant.as_str()))
        .with("id", text(row.id.as_str()))
        .with("name", text(&row.name))
        .with("version", hash(&row.version))
        .with("program", hash(&row.program))
        .with("stored", number(row.stored_at.get()))
        .with("place", number(place))
        .with("generation", number(generation))
}

pub(crate) fn newest_item(row: &WorkflowVersion, place: u64, generation: u64) -> Item {
    let id = row.id.as_str();
    row_item(row, NEWEST.to_owned(), place, generation)
        .with(LIST_P, text(List::Workflows.shard(&row.tenant, id)))
        .with(LIST_S, text(id))
        .build()
}

pub(crate) fn version_item(row: &WorkflowVersion, place: u64, generation: u64) -> Item {
    let sort = keys::version(generation, row.version);
    row_item(row, sort, place, generation).build()
}

pub(crate) fn read_row(item: &Item) -> Result<WorkflowVersion, PortError> {
    let reader = Reader(item);
    Ok(WorkflowVersion {
        tenant: reader.tenant("tenant")?,
        id: WorkflowId::new(reader.text("id")?),
        name: reader.text("name")?.to_owned(),
        version: reader.hash("version")?,
        program: reader.hash("program")?,
        stored_at: reader.millis("stored")?,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use lattice_model::Millis;

    #[test]
    fn only_the_newest_version_is_listed() {
        let row = WorkflowVersion {
            tenant: Tenant::local(),
            id: WorkflowId::new("w"),
            name: "The flow".to_owned(),
            version: Hash::of(b"document"),
            program: Hash::of(b"program"),
            stored_at: Millis::new(5),
        };
        let (newest, version) = (newest_item(&row, 3, 2), version_item(&row, 3, 2));
        assert!(newest.contains_key(LIST_P) && !version.contains_key(LIST_P));
        let sort = format!("v#00000000000000000002#{}", row.version);
        assert_eq!(Reader(&version).text(S).unwrap(), sort);
        for item in [newest, version] {
            assert_eq!(read_row(&item).unwrap(), row);
        }
    }
}
