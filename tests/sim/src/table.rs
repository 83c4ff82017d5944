//! The table of what was tried and what came of it: the form in which it is published.

use crate::report::{BreachKind, Report};
use crate::scenario::Scenario;
use std::collections::BTreeMap;
use std::fmt;

/// One line for each sort of fault, and the first failures.
#[derive(Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
    failures: Vec<Failed>,
}

#[derive(Debug, Default)]
struct Row {
    runs: u64,
    faults: u64,
    effects: u64,
    repeated: u64,
    broken: BTreeMap<BreachKind, u64>,
}

/// A scenario in which a promise was broken.
#[derive(Debug)]
pub struct Failed {
    /// The command that repeats it.
    pub replay: String,
    /// What was seen.
    pub seen: String,
}

/// Failures that are shown; all are counted.
const FAILURES_SHOWN_MAX: usize = 12;

impl Table {
    /// Adds what a simulation came to, in the row of its fault.
    pub fn add(&mut self, fault: &str, scenario: &Scenario, report: &Report) {
        let row = self.rows.entry(fault.to_owned()).or_default();
        row.runs += 1;
        row.faults += report.faults.len() as u64;
        row.effects += report.effects as u64;
        row.repeated += u64::from(report.repeated);
        for breach in report.breaches.iter().take(1) {
            *row.broken.entry(breach.kind).or_default() += 1;
            let (replay, seen) = (scenario.to_string(), breach.to_string());
            self.failures.push(Failed { replay, seen });
        }
    }

    /// Adds the rows of another table.
    pub fn merge(&mut self, other: Self) {
        for (fault, row) in other.rows {
            let mine = self.rows.entry(fault).or_default();
            mine.runs += row.runs;
            mine.faults += row.faults;
            mine.effects += row.effects;
            mine.repeated += row.repeated;
            for (kind, count) in row.broken {
                *mine.broken.entry(kind).or_default() += count;
            }
        }
        self.failures.extend(other.failures);
    }

    /// Simulations in all rows.
    pub fn runs(&self) -> u64 {
        self.rows.values().map(|row| row.runs).sum()
    }

    /// The scenarios in which a promise was broken.
    pub fn failures(&self) -> &[Failed] {
        &self.failures
    }

    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.failures.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<34} {:>7} {:>8} {:>8} {:>5} {:>11} {:>5} {:>6} {:>6} {:>9}",
            "fault",
            "runs",
            "faults",
            "effects",
            "lost",
            "duplicated",
            "gaps",
            "stuck",
            "wrong",
            "repeated*"
        )?;
        for (fault, row) in &self.rows {
            let of = |kind| row.broken.get(&kind).copied().unwrap_or(0);
            writeln!(
                f,
                "{fault:<34} {:>7} {:>8} {:>8} {:>5} {:>11} {:>5} {:>6} {:>6} {:>9}",
                row.runs,
                row.faults,
                row.effects,
                of(BreachKind::Lost),
                of(BreachKind::Duplicated),
                of(BreachKind::Gap),
                of(BreachKind::Stuck),
                of(BreachKind::Wrong),
                row.repeated
            )?;
        }
        writeln!(
            f,
            "* sent again under the same idempotency key after a crash or a lost answer: a receiver \
             that ignores keys would have applied these twice"
        )?;
        for failed in self.failures.iter().take(FAILURES_SHOWN_MAX) {
            writeln!(f, "\n{}\n  {}", failed.replay, failed.seen)?;
        }
        if self.failures.len() > FAILURES_SHOWN_MAX {
            let more = self.failures.len() - FAILURES_SHOWN_MAX;
            writeln!(f, "\nand {more} more")?;
        }
        Ok(())
    }
}
