//! The rows of triggers in the table.

use crate::error::{TABLE, corrupt};
use crate::item::{Builder, Item, Reader, key, text};
use crate::keys::{self, LIST, LIST_P, LIST_S, List, S, TRIGGER};
use crate::store::AwsStore;
use crate::table::Expression;
use lattice_model::{Tenant, TriggerId, WorkflowId};
use lattice_ports::{PortError, TriggerRow, Triggers};

impl Triggers for AwsStore {
    async fn put_trigger(&self, row: TriggerRow) -> Result<(), PortError> {
        self.table.put(trigger_item(&row)?, None).await?;
        Ok(())
    }

    async fn delete_trigger(&self, id: &TriggerId) -> Result<(), PortError> {
        self.table.delete(key(keys::trigger(id), TRIGGER)).await
    }

    async fn trigger(&self, id: &TriggerId) -> Result<Option<TriggerRow>, PortError> {
        let found = self.table.get(key(keys::trigger(id), TRIGGER)).await?;
        found.as_ref().map(read).transpose()
    }

    /// Of one tenant: a query for each shard of its list. Of all: a scan of the index, as `heads`.
    async fn triggers(
        &self,
        tenant: Option<&Tenant>,
        workflow: Option<&WorkflowId>,
        after: Option<&TriggerId>,
        limit: usize,
    ) -> Result<Vec<TriggerRow>, PortError> {
        let after = after.map_or(" ", TriggerId::as_str);
        let items = match tenant {
            Some(tenant) => {
                let filter = workflow.map(|workflow| {
                    let values = Expression::default()
                        .name("workflow")
                        .value("workflow", text(workflow.as_str()));
                    ("#workflow = :workflow", values)
                });
                self.listed(List::Triggers, tenant, after, filter, limit)
                    .await?
            }
            None => self.table.scan(LIST, everywhere(workflow, after)).await?,
        };
        let rows: Result<Vec<TriggerRow>, _> = items.iter().map(read).collect();
        let mut rows = rows?;
        rows.sort_by(|one, other| one.id.cmp(&other.id));
        rows.truncate(limit);
        Ok(rows)
    }
}

fn everywhere(workflow: Option<&WorkflowId>, after: &str) -> Expression {
    let filter = Expression::new("#s = :trigger AND ls > :after")
        .name(S)
        .value("trigger", text(TRIGGER))
        .value("after", text(after));
    let Some(workflow) = workflow else {
        return filter;
    };
    let mut filter = filter
        .name("workflow")
        .value("workflow", text(workflow.as_str()));
    filter.text.push_str(" AND #workflow = :workflow");
    filter
}

pub(crate) fn trigger_item(row: &TriggerRow) -> Result<Item, PortError> {
    let body = serde_json::to_string(row);
    let body = body.map_err(|error| corrupt(TABLE, format!("a trigger: {error}")))?;
    let id = row.id.as_str();
    let item = Builder::at(keys::trigger(&row.id), TRIGGER)
        .with("workflow", text(row.workflow.as_str()))
        .with("body", text(body))
        .with(LIST_P, text(List::Triggers.shard(&row.tenant, id)))
        .with(LIST_S, text(id));
    Ok(item.build())
}

pub(crate) fn read(item: &Item) -> Result<TriggerRow, PortError> {
    let reader = Reader(item);
    let row = serde_json::from_str(reader.text("body")?);
    row.map_err(|_| reader.wrong("body", "a trigger"))
}
