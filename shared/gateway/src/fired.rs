//! The events of schedules: EventBridge Scheduler invokes the function that starts runs, with what
//! `lattice_aws` put into the schedule.

use lattice_api::{Api, Parts};
use lattice_driver::Fired as Outcome;
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
    /// What came of it: `started`, `known`, `skipped`, `waits`, `paused`; `gone` if the trigger is no
    /// more.
    pub outcome: String,
    /// The run of the moment, started now or by an earlier delivery, if it has one.
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
            Ok(fired) => {
                let outcome = fired.as_str().to_owned();
                let run_id = match &fired {
                    Outcome::Started(started) => Some(started.run.to_string()),
                    _ => None,
                };
                tracing::info!(%trigger, outcome, run = run_id, %at, "a schedule has fired");
                let known = outcome == "known";
                Ok(FiredAnswer {
                    outcome,
                    run_id,
                    known,
                })
            }
            Err(refused) if refused.problem.status == 404 => {
                tracing::warn!(%trigger, %at, "a schedule fired whose trigger is no more");
                Ok(FiredAnswer {
                    outcome: "gone".to_owned(),
                    run_id: None,
                    known: false,
                })
            }
            Err(refused) => Err(refused.problem.detail.clone()),
        }
    }
}
