//! What starts runs from outside while `lattice dev` is there: its schedules fire, and its webhooks
//! say where they are taken.

use crate::error::CliError;
use crate::host::LocalKit;
use lattice_api::Api;
use lattice_driver::{Fired, Observer};
use lattice_effects::EnvSecrets;
use lattice_ir::TriggerKind;
use lattice_journal::{Commit, EventBody};
use lattice_local::{Firing, LocalSchedules, LocalStore, SystemClock};
use lattice_model::limits::{LIST_ROWS_MAX, SCHEDULE_LATE_MS_MAX, SWEEP_DELAY_MS_MIN};
use lattice_model::{RunId, TriggerId, WorkflowId};
use lattice_ports::{Clock, PortError, Schedules, TriggerRow, Triggers};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

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

/// Notices that a run is over, so that what waits for it need not wait for the sweep.
#[derive(Debug, Default)]
pub struct Ends(Notify);

impl Observer for Ends {
    fn committed(&self, commit: &Commit) {
        let ends = |body: &EventBody| {
            matches!(
                body,
                EventBody::RunCompleted(_) | EventBody::RunFailed(_) | EventBody::RunCancelled(_)
            )
        };
        if commit.events.iter().any(|event| ends(&event.body)) {
            self.0.notify_one();
        }
    }

    fn conflict(&self, _run: &RunId) {}
}

/// Starts the runs of schedules, for as long as it is polled: what earlier processes left to do,
/// what fires, and what waits for a run to end.
pub async fn fire(api: Arc<Api<LocalKit>>, ends: Arc<Ends>) {
    let every = Duration::from_millis(SWEEP_DELAY_MS_MIN);
    let settling = async {
        loop {
            if let Err(error) = api.driver.settle_firings().await {
                tracing::warn!(%error, "schedules that wait could not be looked at; again soon");
            }
            // An end that is told in between leaves its mark.
            let _ = tokio::time::timeout(every, ends.0.notified()).await;
        }
    };
    let firing = async {
        loop {
            let firing = api.schedules.next().await;
            tokio::spawn(start(Arc::clone(&api), firing));
        }
    };
    tokio::join!(settling, firing);
}

/// Starts the run of one firing. Repeated while the store does not take it, for as long as a firing
/// may be late; the moment is the start's key, so it starts one run at most.
async fn start(api: Arc<Api<LocalKit>>, firing: Firing) {
    let Firing {
        trigger,
        at,
        is_made_up,
    } = firing;
    let meant = at.rfc3339();
    loop {
        let refused = match api.fire(&trigger, at).await {
            Ok(fired) => return told(&trigger, &meant, &fired),
            Err(refused) => refused,
        };
        let (code, detail) = (&refused.problem.code, &refused.problem.detail);
        let late_ms = api.driver.clock().now().since(at);
        let is_late = late_ms > SCHEDULE_LATE_MS_MAX && !is_made_up;
        if refused.problem.status < PASSING || is_late {
            tracing::error!(%trigger, at = meant, code, detail, "a schedule started no run");
            return;
        }
        tracing::warn!(%trigger, at = meant, code, detail, "a schedule is fired again soon");
        tokio::time::sleep(RETRY).await;
    }
}

fn told(trigger: &TriggerId, at: &str, fired: &Fired) {
    match fired {
        Fired::Started(started) => {
            let (run, known) = (&started.run, started.known);
            tracing::info!(%trigger, at, %run, known, "a schedule fired");
        }
        Fired::Skipped { behind } => {
            let behind = behind.as_ref().map(RunId::as_str);
            tracing::info!(%trigger, at, behind, "a schedule fired and starts nothing: the run of an earlier or a newer moment stands before it");
        }
        Fired::Waits { behind } => {
            tracing::info!(%trigger, at, %behind, "a schedule fired and waits until an earlier run is over");
        }
        Fired::Paused | Fired::Nothing => {
            tracing::debug!(%trigger, at, "a schedule fired and starts nothing: it is paused");
        }
    }
}
