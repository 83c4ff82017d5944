//! What an invocation counted, under the names of `/metrics` (`docs/metrics.md`), as lines in
//! CloudWatch's embedded metric format: printed once, at its end.

use crate::logs::{Labels, now};
use lattice_driver::Observer;
use lattice_journal::{Commit, Event, EventBody};
use lattice_model::{Millis, RunId, StageId};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The namespace of the metrics.
pub const NAMESPACE: &str = "AgentLattice";
/// Values that one line may hold of one metric; CloudWatch takes no more.
const VALUES_MAX: usize = 100;
/// Open stages whose beginning is remembered.
const OPEN_STAGES_MAX: usize = 4_096;

/// Every name that this process may count under.
pub const NAMES: &[&str] = &[
    RUNS_STARTED,
    RUNS_ENDED,
    COMMITS,
    EVENTS,
    CONFLICTS,
    RETRIES,
    PROVIDER_FAILURES,
    STEP_SECONDS,
    REQUESTS,
    STREAM_REPLAYS,
    STREAM_RECONNECTS,
    STREAM_GAPS,
    MESSAGES,
    SWEPT,
];

const RUNS_STARTED: &str = "lattice_runs_started_total";
const RUNS_ENDED: &str = "lattice_runs_ended_total";
const COMMITS: &str = "lattice_commits_total";
const EVENTS: &str = "lattice_events_total";
const CONFLICTS: &str = "lattice_conflicts_total";
const RETRIES: &str = "lattice_retries_total";
const PROVIDER_FAILURES: &str = "lattice_provider_failures_total";
const STEP_SECONDS: &str = "lattice_step_duration_seconds";
/// Requests by operation and status.
pub const REQUESTS: &str = "lattice_http_requests_total";
/// Streams that began with stored events.
pub const STREAM_REPLAYS: &str = "lattice_stream_replays_total";
/// Streams that resumed behind an event.
pub const STREAM_RECONNECTS: &str = "lattice_stream_reconnects_total";
/// Logs that were found with a hole or a broken chain.
pub const STREAM_GAPS: &str = "lattice_stream_gaps_total";
/// Messages that were served, by what came of them.
pub const MESSAGES: &str = "lattice_messages_total";
/// Messages that the sweep sent.
pub const SWEPT: &str = "lattice_swept_total";

/// A label and its value.
pub type Label = (&'static str, String);

/// Counts until somebody takes the lines.
#[derive(Debug)]
pub struct Counts {
    labels: Labels,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    counters: BTreeMap<Vec<Label>, BTreeMap<&'static str, u64>>,
    seconds: Vec<f64>,
    open: BTreeMap<(RunId, StageId), Millis>,
}

impl Counts {
    /// All at zero.
    pub fn new(labels: Labels) -> Self {
        Self {
            labels,
            inner: Mutex::default(),
        }
    }

    /// Counts under a name, with labels.
    pub fn add(&self, name: &'static str, labels: Vec<Label>, count: u64) {
        if count > 0 {
            self.lock().add(name, labels, count);
        }
    }

    /// What was counted since the last time, a line for each set of labels, with `beside` in the
    /// first of them as plain properties. None if nothing was counted and nothing stands beside.
    pub fn take(&self, beside: Map<String, Value>) -> Vec<String> {
        let (mut counters, seconds) = {
            let mut inner = self.lock();
            let counters = std::mem::take(&mut inner.counters);
            (counters, std::mem::take(&mut inner.seconds))
        };
        if !beside.is_empty() || !seconds.is_empty() {
            counters.entry(Vec::new()).or_default();
        }
        let mut beside = Some(beside);
        let mut seconds = Some(seconds);
        let mut lines = Vec::new();
        for (labels, counted) in counters {
            let mut values: Map<String, Value> = Map::new();
            for (name, count) in counted {
                values.insert(name.to_owned(), count.into());
            }
            let mut chunks = Vec::new();
            if labels.is_empty() {
                let seconds = seconds.take().unwrap_or_default();
                chunks.extend(seconds.chunks(VALUES_MAX).map(<[f64]>::to_vec));
            }
            let mut chunks = chunks.into_iter();
            if let Some(first) = chunks.next() {
                values.insert(STEP_SECONDS.to_owned(), first.into());
            }
            let beside = match labels.is_empty() {
                true => beside.take().unwrap_or_default(),
                false => Map::new(),
            };
            lines.push(self.line(&labels, values, beside));
            for more in chunks {
                let values = Map::from_iter([(STEP_SECONDS.to_owned(), more.into())]);
                lines.push(self.line(&labels, values, Map::new()));
            }
        }
        lines
    }

    /// Prints what was counted, for CloudWatch to read from the log.
    pub fn print(&self, beside: Map<String, Value>) {
        use std::io::Write;
        let mut out = std::io::stdout().lock();
        for line in self.take(beside) {
            // A log that cannot be written has nowhere to be told.
            let _ = writeln!(out, "{line}");
        }
    }

    fn line(
        &self,
        labels: &[Label],
        values: Map<String, Value>,
        beside: Map<String, Value>,
    ) -> String {
        let metrics: Vec<Value> = values
            .keys()
            .map(|name| {
                let unit = match name.as_str() {
                    STEP_SECONDS => "Seconds",
                    _ => "Count",
                };
                json!({"Name": name, "Unit": unit})
            })
            .collect();
        // With the labels, and all together: alarms look at the whole. Each set is a metric that is
        // paid for, so the function is only a property.
        let mut dimensions = vec![vec!["stage"]];
        if !labels.is_empty() {
            let named = labels.iter().map(|(name, _)| *name);
            dimensions.push(std::iter::once("stage").chain(named).collect());
        }
        let mut line = beside;
        let directive = json!([{
            "Namespace": NAMESPACE,
            "Dimensions": dimensions,
            "Metrics": metrics,
        }]);
        if !values.is_empty() {
            let told = json!({"Timestamp": now().get(), "CloudWatchMetrics": directive});
            line.insert("_aws".to_owned(), told);
        }
        let fixed = [
            ("stage", self.labels.deployment.clone()),
            ("function", self.labels.function.to_owned()),
        ];
        for (name, value) in fixed.into_iter().chain(labels.iter().cloned()) {
            line.insert(name.to_owned(), value.into());
        }
        line.extend(values);
        Value::Object(line).to_string()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells what was counted, with something beside it that is asked for anew each time.
pub struct Teller {
    counts: Arc<Counts>,
    beside: Beside,
}

/// Gives what stands beside the counts.
pub type Beside = Box<dyn Fn() -> Map<String, Value> + Send + Sync>;

impl Teller {
    /// Tells of these.
    pub fn new(counts: Arc<Counts>, beside: Beside) -> Self {
        Self { counts, beside }
    }

    /// What is counted.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Prints what was counted since the last time.
    pub fn tell(&self) {
        self.counts.print((self.beside)());
    }
}

impl Inner {
    fn add(&mut self, name: &'static str, labels: Vec<Label>, count: u64) {
        let counted = self.counters.entry(labels).or_default();
        *counted.entry(name).or_default() += count;
    }

    fn one(&mut self, name: &'static str) {
        self.add(name, Vec::new(), 1);
    }

    fn count(&mut self, event: &Event) {
        match &event.body {
            EventBody::RunQueued(_) => self.one(RUNS_STARTED),
            EventBody::StageRetrying(_) => self.one(RETRIES),
            EventBody::LlmStepFailed(failed) => {
                let kind = failed.failure.kind.as_str().to_owned();
                self.add(PROVIDER_FAILURES, vec![("kind", kind)], 1);
            }
            EventBody::StageStarted(started)
                if started.attempt == 1 && self.open.len() < OPEN_STAGES_MAX =>
            {
                let key = (event.run.clone(), started.stage.clone());
                self.open.insert(key, event.timestamp);
            }
            EventBody::StageCompleted(done) => self.end(event, &done.stage),
            EventBody::StageFailed(failed) => self.end(event, &failed.stage),
            EventBody::RunCompleted(_) => self.ended(event, "completed"),
            EventBody::RunFailed(_) => self.ended(event, "failed"),
            EventBody::RunCancelled(_) => self.ended(event, "cancelled"),
            _ => {}
        }
    }

    fn end(&mut self, event: &Event, stage: &StageId) {
        let key = (event.run.clone(), stage.clone());
        if let Some(begun) = self.open.remove(&key) {
            let took_ms = event.timestamp.since(begun);
            self.seconds.push(took_ms as f64 / 1_000.0);
        }
    }

    fn ended(&mut self, event: &Event, status: &str) {
        self.add(RUNS_ENDED, vec![("status", status.to_owned())], 1);
        self.open.retain(|(run, _), _| *run != event.run);
    }
}

impl Observer for Counts {
    fn committed(&self, commit: &Commit) {
        let mut inner = self.lock();
        inner.one(COMMITS);
        inner.add(EVENTS, Vec::new(), commit.events.len() as u64);
        commit.events.iter().for_each(|event| inner.count(event));
    }

    fn conflict(&self, _run: &RunId) {
        self.lock().one(CONFLICTS);
    }
}

#[cfg(test)]
#[path = "counts_tests.rs"]
mod tests;
