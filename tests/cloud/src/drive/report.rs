//! What was shown, as a table and as JSON.

use super::judge::Verdict;
use super::measure::Measured;
use serde::Serialize;
use std::fmt::Write;

/// How one path went.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub path: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// What was found, or what is wrong.
    pub found: String,
    /// Whether it holds.
    pub holds: bool,
    /// How long it took.
    pub ms: u64,
}

/// Everything.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The engine that it ran on.
    pub engine: String,
    /// From nothing to a stack that answers.
    pub deployed_ms: u64,
    /// The paths, in order.
    pub paths: Vec<Row>,
    /// What the logs say.
    pub verdict: Verdict,
    /// Calls and units, if they were measured.
    pub measured: Option<Measured>,
}

impl Report {
    /// Whether all of it holds.
    pub fn holds(&self) -> bool {
        self.paths.iter().all(|row| row.holds) && self.verdict.faults().is_empty()
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut text = format!(
            "engine: {}, deployed in {} ms\n",
            self.engine, self.deployed_ms
        );
        for row in &self.paths {
            let mark = if row.holds { "ok  " } else { "FAIL" };
            // INVARIANT: writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{mark} {:<12}{:>7} ms  {}",
                row.path, row.ms, row.shows
            );
            let _ = writeln!(text, "                              {}", row.found);
        }
        let verdict = &self.verdict;
        let _ = writeln!(
            text,
            "judge: {} runs, {} events, {} effects; lost {}, seq gaps {}, wrong ends {}, applied twice {}",
            verdict.runs,
            verdict.events,
            verdict.effects,
            verdict.lost.len(),
            verdict.gaps.len(),
            verdict.wrong_ends.len(),
            verdict.applied_twice,
        );
        for fault in verdict.faults() {
            let _ = writeln!(text, "FAIL {fault}");
        }
        if let Some(measured) = &self.measured {
            text += &measured.table();
        }
        text
    }
}
