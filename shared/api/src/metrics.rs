//! What is counted, each thing named in one place. `docs/metrics.md` explains them.

use lattice_driver::Observer;
use lattice_journal::{Commit, Event, EventBody, RunStatus};
use lattice_model::{Millis, RunId, StageId};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The media type of `Metrics::render`: OpenMetrics 1.0, which Prometheus reads.
pub const METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counts by labels.
type By = Family<Vec<(&'static str, String)>, Counter>;

/// Open stages whose beginning is remembered; beyond it, their time is not measured.
const OPEN_STAGES_MAX: usize = 65_536;

/// The counters of one process.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    runs: Family<Vec<(&'static str, String)>, Gauge>,
    runs_started: Counter,
    runs_ended: By,
    commits: Counter,
    events: Counter,
    conflicts: Counter,
    retries: Counter,
    provider_failures: By,
    step_seconds: Histogram,
    requests: By,
    /// Streams that are open.
    pub subscribers: Gauge,
    /// Streams that began with stored events.
    pub replays: Counter,
    /// Streams that resumed behind an event.
    pub reconnects: Counter,
    /// Readers that were cut off, by reason.
    pub cuts: By,
    /// From the acknowledgement of a commit until its frames are handed to a reader.
    pub lag_seconds: Histogram,
    gaps: Counter,
    firings: By,
    open: Mutex<BTreeMap<(RunId, StageId), Millis>>,
    untold: Mutex<Untold>,
}

/// What was counted since somebody last asked for it: for functions in the cloud, which tell of each
/// invocation and are never asked for a page.
#[derive(Debug, Default)]
struct Untold {
    requests: BTreeMap<(&'static str, u16), u64>,
    /// How much of the counters has been told.
    replays: u64,
    reconnects: u64,
    gaps: u64,
}

/// What was counted since the last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fresh {
    /// Requests by operation and status.
    pub requests: Vec<(&'static str, u16, u64)>,
    /// Streams that began with stored events.
    pub replays: u64,
    /// Streams that resumed behind an event.
    pub reconnects: u64,
    /// Logs that were found with a hole or a broken chain.
    pub gaps: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All counters at zero.
    pub fn new() -> Self {
        let step_seconds = Histogram::new(exponential_buckets(0.001, 2.0, 20));
        let lag_seconds = Histogram::new(exponential_buckets(0.000_05, 2.0, 18));
        let mut metrics = Self {
            registry: Registry::with_prefix("lattice"),
            runs: Family::default(),
            runs_started: Counter::default(),
            runs_ended: By::default(),
            commits: Counter::default(),
            events: Counter::default(),
            conflicts: Counter::default(),
            retries: Counter::default(),
            provider_failures: By::default(),
            step_seconds,
            requests: By::default(),
            subscribers: Gauge::default(),
            replays: Counter::default(),
            reconnects: Counter::default(),
            cuts: By::default(),
            lag_seconds,
            gaps: Counter::default(),
            firings: By::default(),
            open: Mutex::default(),
            untold: Mutex::default(),
        };
        metrics.register();
        metrics
    }

    /// The names, and what they mean. Counters are shown with `_total` behind them.
    fn register(&mut self) {
        let Self { registry, .. } = self;
        macro_rules! names {
            ($($name:literal $field:ident $says:literal;)*) => {
                $(registry.register($name, $says, self.$field.clone());)*
            };
        }
        names! {
            "runs" runs "Stored runs by status";
            "runs_started" runs_started "Runs that were queued";
            "runs_ended" runs_ended "Runs that ended, by status";
            "commits" commits "Commits that were acknowledged";
            "events" events "Events that were acknowledged";
            "conflicts" conflicts "Appends that met another worker's commit";
            "retries" retries "Attempts that failed and are followed by another";
            "provider_failures" provider_failures "Model calls that failed, by kind";
            "step_duration_seconds" step_seconds "From a stage's first claim to its completion";
            "http_requests" requests "Requests by operation and status";
            "stream_subscribers" subscribers "Streams that are open";
            "stream_replays" replays "Streams that began with stored events";
            "stream_reconnects" reconnects "Streams that resumed behind an event";
            "stream_cuts" cuts "Readers that were cut off, by reason";
            "stream_gaps" gaps "Logs that were found with a hole or a broken chain";
            "schedule_firings" firings "Moments of schedules, by what came of them";
            "stream_lag_seconds" lag_seconds
                "From the acknowledgement of a commit until its frames are handed to a reader";
        }
    }

    /// Counts a request.
    pub fn request(&self, operation: &'static str, status: u16) {
        let labels = vec![
            ("operation", operation.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).inc();
        let mut untold = self.untold();
        *untold.requests.entry((operation, status)).or_default() += 1;
    }

    /// Counts a log that was found with a hole or a broken chain.
    pub fn broken_log(&self) {
        self.gaps.inc();
    }

    /// Counts a moment of a schedule.
    pub fn fired(&self, outcome: &'static str) {
        let labels = vec![("outcome", outcome.to_owned())];
        self.firings.get_or_create(&labels).inc();
    }

    /// What was counted since the last time this was asked.
    pub fn fresh(&self) -> Fresh {
        let mut untold = self.untold();
        let requests = std::mem::take(&mut untold.requests).into_iter();
        let since = |counter: &Counter, told: &mut u64| {
            let before = std::mem::replace(told, counter.get());
            told.saturating_sub(before)
        };
        Fresh {
            requests: requests
                .map(|((operation, status), count)| (operation, status, count))
                .collect(),
            replays: since(&self.replays, &mut untold.replays),
            reconnects: since(&self.reconnects, &mut untold.reconnects),
            gaps: since(&self.gaps, &mut untold.gaps),
        }
    }

    fn untold(&self) -> MutexGuard<'_, Untold> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a reader that was cut off.
    pub fn cut(&self, reason: &'static str) {
        self.cuts
            .get_or_create(&vec![("reason", reason.to_owned())])
            .inc();
    }

    /// The text for Prometheus, with the stored runs as they were counted just now.
    pub fn render(&self, runs: &[(RunStatus, u64)]) -> String {
        for status in RunStatus::ALL {
            let counted = runs.iter().find(|(found, _)| *found == status);
            let count = counted.map_or(0, |(_, count)| *count);
            let labels = vec![("status", status.as_str().to_owned())];
            let gauge = self.runs.get_or_create(&labels);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn count(&self, event: &Event) {
        match &event.body {
            EventBody::RunQueued(_) => {
                self.runs_started.inc();
            }
            EventBody::StageRetrying(_) => {
                self.retries.inc();
            }
            EventBody::LlmStepFailed(failed) => {
                let kind = failed.failure.kind.as_str().to_owned();
                self.provider_failures
                    .get_or_create(&vec![("kind", kind)])
                    .inc();
            }
            EventBody::StageStarted(started) if started.attempt == 1 => {
                self.begin(event, &started.stage);
            }
            EventBody::StageCompleted(done) => self.end(event, &done.stage),
            EventBody::StageFailed(failed) => self.end(event, &failed.stage),
            EventBody::RunCompleted(_) => self.ended(event, RunStatus::Completed),
            EventBody::RunFailed(_) => self.ended(event, RunStatus::Failed),
            EventBody::RunCancelled(_) => self.ended(event, RunStatus::Cancelled),
            _ => {}
        }
    }

    fn begin(&self, event: &Event, stage: &StageId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < OPEN_STAGES_MAX {
            open.insert((event.run.clone(), stage.clone()), event.timestamp);
        }
    }

    fn end(&self, event: &Event, stage: &StageId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (event.run.clone(), stage.clone());
        if let Some(begun) = open.remove(&key) {
            let took_ms = event.timestamp.since(begun);
            self.step_seconds.observe(took_ms as f64 / 1_000.0);
        }
    }

    fn ended(&self, event: &Event, status: RunStatus) {
        let labels = vec![("status", status.as_str().to_owned())];
        self.runs_ended.get_or_create(&labels).inc();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|(run, _), _| *run != event.run);
    }
}

impl Observer for Metrics {
    fn committed(&self, commit: &Commit) {
        self.commits.inc();
        self.events.inc_by(commit.events.len() as u64);
        commit.events.iter().for_each(|event| self.count(event));
    }

    fn conflict(&self, _run: &RunId) {
        self.conflicts.inc();
    }
}
