//! What starts runs from outside while `lattice dev` is there: its schedules fire, and its webhooks
//! say where they are taken.

use crate::error::CliError;
use crate::host::LocalKit;
use lattice_api::Api;
use lattice_effects::EnvSecrets;
use lattice_ir::TriggerKind;
use lattice_local::{Firing, LocalSchedules, LocalStore, SystemClock};
use lattice_model::limits::{LIST_ROWS_MAX, SCHEDULE_LATE_MS_MAX};
use lattice_model::{TriggerId, WorkflowId};
use lattice_ports::{Clock, PortError, Schedules, TriggerRow, Triggers};
use std::sync::Arc;
use std::time::Duration;

/// How long a firing rests that the store did not take.
const RETRY: Duration = Duration::from_secs(1);
/// From here on a server does not take a request at the moment; below, it never will.
const PASSING: u16 = 500;

/// The clock of a process that fires nothing: whoever runs `lattice dev` next arms what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Unarmed;

impl Schedules for Unarmed {
    async fn arm(&self, _row: &TriggerRow) -> Result<(), PortError> {
        Ok(())
    }

    async fn disarm(&self, _id: &TriggerId) -> Result<(), PortError> {
        Ok(())
    }
}

/// Every trigger that is stored, by workflow and node.
pub async fn all(
    store: &LocalStore,
    workflow: Option<&WorkflowId>,
) -> Result<Vec<TriggerRow>, PortError> {
    let mut all = Vec::<TriggerRow>::new();
    loop {
        let after = all.last().map(|row| &row.id);
        let page = store.triggers(None, workflow, after, LIST_ROWS_MAX).await?;
        if page.is_empty() {
            break;
        }
        all.extend(page);
    }
    all.sort_by(|one, other| (&one.workflow, &one.node).cmp(&(&other.workflow, &other.node)));
    Ok(all)
}

/// Arms what is stored; gives the lines that say where webhooks are taken.
pub async fn arm(
    store: &LocalStore,
    schedules: &LocalSchedules<SystemClock>,
    (url, secrets): (&str, &EnvSecrets),
) -> Result<Vec<String>, CliError> {
    let mut lines = Vec::new();
    for row in all(store, None).await? {
        match &row.on {
            TriggerKind::Schedule(_) => schedules.arm(&row).await?,
            TriggerKind::Webhook(webhook) => {
                let secret = webhook.authentication.secret();
                let set = secrets.names().any(|name| name == secret);
                let note = match set {
                    true => String::new(),
                    false => format!("; refused until `LATTICE_SECRET_{secret}` is set"),
                };
                let (id, workflow) = (&row.id, &row.workflow);
                lines.push(format!(
                    "webhook of `{workflow}`: {url}/v1/hooks/{id}{note}"
                ));
            }
        }
    }
    Ok(lines)
}

/// Starts the runs of schedules, for as long as it is polled.
pub async fn fire(api: Arc<Api<LocalKit>>) {
    loop {
        let Firing { trigger, at } = api.schedules.next().await;
        tokio::spawn(start(Arc::clone(&api), trigger, at));
    }
}

/// Starts the run of one firing. Repeated while the store does not take it, for as long as a firing
/// may be late; the moment is the start's key, so it starts one run at most.
async fn start(api: Arc<Api<LocalKit>>, trigger: TriggerId, at: lattice_model::Millis) {
    let meant = at.rfc3339();
    loop {
        let refused = match api.fire(&trigger, at).await {
            Ok(started) => {
                let (run, known) = (started.run, started.known);
                tracing::info!(%trigger, at = meant, %run, known, "a schedule fired");
                return;
            }
            Err(refused) => refused,
        };
        let (code, detail) = (&refused.problem.code, &refused.problem.detail);
        let late_ms = api.driver.clock().now().since(at);
        if refused.problem.status < PASSING || late_ms > SCHEDULE_LATE_MS_MAX {
            tracing::error!(%trigger, at = meant, code, detail, "a schedule started no run");
            return;
        }
        tracing::warn!(%trigger, at = meant, code, detail, "a schedule is fired again soon");
        tokio::time::sleep(RETRY).await;
    }
}
