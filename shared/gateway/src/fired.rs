//! The events of schedules: EventBridge Scheduler invokes the function that starts runs, with what
//! `lattice_aws` put into the schedule.

use lattice_api::{Api, Parts};
use lattice_model::{Millis, TriggerId};
use serde::{Deserialize, Serialize};

/// A schedule has fired.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Fired {
    /// Who says so: `lattice.schedule`, which no request of a gateway has.
    pub source: Source,
    /// The trigger.
    pub trigger: TriggerId,
    /// The moment for which it fired, not the one at which this came.
    pub at: String,
}

/// The one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Source {
    /// A schedule of ours.
    #[serde(rename = "lattice.schedule")]
    Schedule,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FiredAnswer {
    /// The run that was started, now or by an earlier delivery; none if the trigger is no more.
    pub run_id: Option<String>,
    /// Whether it was there already.
    pub known: bool,
}

impl Fired {
    /// Starts the run. An error may be mended by another delivery, and Lambda makes one; a trigger
    /// that is no more is none.
    pub async fn start<E: Parts>(&self, api: &Api<E>) -> Result<FiredAnswer, String> {
        let (trigger, text) = (&self.trigger, &self.at);
        let at = Millis::from_rfc3339(text)
            .ok_or_else(|| format!("`{text}` is no moment that a schedule fires for"))?;
        match api.fire(trigger, at).await {
            Ok(started) => {
                let (run, known) = (started.run.to_string(), started.known);
                tracing::info!(%trigger, run, known, %at, "a schedule has fired");
                Ok(FiredAnswer {
                    run_id: Some(run),
                    known,
                })
            }
            Err(refused) if refused.problem.status == 404 => {
                tracing::warn!(%trigger, %at, "a schedule fired whose trigger is no more");
                Ok(FiredAnswer {
                    run_id: None,
                    known: false,
                })
            }
            Err(refused) => Err(refused.problem.detail.clone()),
        }
    }
}
