//! How a run's end, or its rest, is reported: for people in lines, for programs in one object.

use crate::app::{App, Flags};
use crate::carry::took_ms;
use crate::error::CliError;
use crate::host::LocalDriver;
use crate::progress::answer_command;
use crate::screen::Tone;
use crate::text::{clean, duration, pretty};
use lattice_api::value;
use lattice_engine::RunState;
use lattice_journal::{RunStatus, RunSummary};
use lattice_model::{Millis, RunId};
use lattice_ports::{Blobs, Clock, RunLog};
use serde_json::{Map, Value, json};

/// Reports how the runs stand: the last lines of `run` and `resume`.
pub async fn report_all(
    app: &App,
    driver: &LocalDriver,
    states: &[(RunId, RunState)],
    flags: &Flags,
) -> Result<(), CliError> {
    // What came of a batch stands in the run above.
    let is_told = |state: &RunState| state.batch.is_some() && state.status.is_terminal();
    for (run, state) in states.iter().filter(|(_, state)| !is_told(state)) {
        let now = driver.clock().now();
        report(app, &**driver.store(), run, state, now, flags).await?;
    }
    Ok(())
}

async fn report<S: RunLog + Blobs>(
    app: &App,
    store: &S,
    run: &RunId,
    state: &RunState,
    now: Millis,
    flags: &Flags,
) -> Result<(), CliError> {
    let summary = store.summary(run).await?;
    let output = match summary.as_ref().and_then(|summary| summary.output.as_ref()) {
        Some(output) => Some(value(store, output).await?),
        None => None,
    };
    let ended_at = summary.as_ref().map(|summary| summary.ended_at);
    let report = Report {
        run,
        state,
        summary,
        output,
        took_ms: took_ms(state, ended_at, now),
        flags,
    };
    app.screen.record(&report.to_json());
    report.show(app);
    Ok(())
}

struct Report<'a> {
    run: &'a RunId,
    state: &'a RunState,
    summary: Option<RunSummary>,
    output: Option<Value>,
    took_ms: u64,
    flags: &'a Flags,
}

impl Report<'_> {
    fn tokens(&self) -> u64 {
        self.state.totals.usage.total()
    }

    fn to_json(&self) -> Value {
        let mut fields = Map::new();
        let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        set("runId", json!(self.run));
        set("status", json!(self.state.status));
        set("durationMs", json!(self.took_ms));
        set("tokens", json!(self.tokens()));
        if let Some(output) = &self.output {
            set("output", output.clone());
        }
        let summary = self.summary.as_ref();
        if let Some(failure) = summary.and_then(|summary| summary.failure.as_ref()) {
            set("failure", json!(failure));
            set(
                "node",
                json!(summary.and_then(|summary| summary.node.as_ref())),
            );
        }
        let questions: Vec<Value> = self
            .state
            .questions()
            .map(|(stage, node, question, due_at)| {
                json!({
                    "node": node, "stage": stage, "question": question,
                    "dueAt": due_at.map(Millis::rfc3339),
                    "answer": answer_command(self.run, node, question, &self.flags.data),
                })
            })
            .collect();
        if !questions.is_empty() {
            set("questions", Value::Array(questions));
        }
        Value::Object(fields)
    }

    fn show(&self, app: &App) {
        let screen = &app.screen;
        if let Some(output) = self.output.as_ref().filter(|output| **output != json!({})) {
            screen.line("");
            screen.line(pretty(output));
            screen.line("");
        }
        let summary = self.summary.as_ref();
        if let Some(failure) = summary.and_then(|summary| summary.failure.as_ref()) {
            let node = summary.and_then(|summary| summary.node.as_ref());
            let place = node
                .map(|node| format!("at node `{node}`: "))
                .unwrap_or_default();
            screen.line(format!(
                "{place}{}: {}",
                failure.kind,
                clean(&failure.message)
            ));
        }
        let (run, Flags { data, resume }) = (self.run, self.flags);
        for (_, node, question, _) in self.state.questions() {
            screen.line(format!(
                "answer: {}",
                answer_command(run, node, question, data)
            ));
            screen.line(format!("then:   lattice resume {run}{resume}"));
        }
        let asks = self.state.questions().next().is_some();
        let (status, tone) = match self.state.status {
            RunStatus::Completed => ("completed in", Tone::Good),
            RunStatus::Failed => ("failed in", Tone::Bad),
            RunStatus::Cancelled => ("cancelled after", Tone::Bad),
            RunStatus::Waiting if asks => ("waits for a person after", Tone::Look),
            RunStatus::Waiting | RunStatus::Queued | RunStatus::Running => {
                screen.line(format!("go on:  lattice resume {run}{resume}"));
                match self.state.waits_for_place() {
                    Some(_) => ("waits for a place after", Tone::Look),
                    None => ("is unfinished after", Tone::Look),
                }
            }
        };
        let (took, tokens) = (duration(self.took_ms), self.tokens());
        screen.line(format!(
            "{run} {} {took}, {tokens} tokens",
            screen.paint(tone, status)
        ));
    }
}
