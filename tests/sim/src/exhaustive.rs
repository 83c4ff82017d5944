//! One fault at every call: first a run without faults counts them, then each is tried.

use crate::fate::Fate;
use crate::report::{Breach, BreachKind, Report};
use crate::runner::{simulate, simulate_within};
use crate::scenario::{Case, Entry, Order, Scenario, Traffic, Whom};
use crate::table::Table;

/// Time that one fault may cost besides the longest lease and the rest of a message: the bound that
/// is published.
const RECOVERY_MS: u64 = 2 * 60_000;

/// Every how many-th call of a shape is tried whose run calls others, where all cases are; the nine
/// arrangements begin with another one each.
const FAMILY_EVERY: u64 = 6;

/// Every how many-th call of a heavy case is tried, where all cases are.
pub const HEAVY_EVERY: u64 = 10;

/// The same of a shape with a map: there are many of them, each for one thing. Where batches are runs,
/// they are the largest families of all.
const MAP_EVERY: u64 = 6;
const BATCHES_EVERY: u64 = 50;

/// Every how many-th call of a case is tried, where all cases are and families are thinned out.
pub fn every(case: &Case) -> u64 {
    let kinds = [
        (case.heavy, HEAVY_EVERY),
        (case.has_map() && case.has_family(), BATCHES_EVERY),
        (case.has_map(), MAP_EVERY),
        (case.has_family(), FAMILY_EVERY),
    ];
    let found = kinds.iter().find(|(is_one, _)| *is_one);
    found.map_or(1, |(_, every)| *every)
}

/// Which points are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Every how many-th point, from 1.
    pub every: u64,
    /// So many points are left out before the first.
    pub from: u64,
}

impl Sample {
    /// All of them.
    pub const ALL: Self = Self { every: 1, from: 0 };

    /// Every so many-th point.
    pub fn every(every: u64) -> Self {
        Self { every, from: 0 }
    }

    /// The points among those from 1 to `last`.
    pub fn of(self, last: u64) -> impl Iterator<Item = u64> {
        (1..=last).skip(self.skip()).step_by(self.step())
    }

    fn skip(self) -> usize {
        usize::try_from(self.from % self.every.max(1)).unwrap_or(0)
    }

    /// From one point to the next.
    pub fn step(self) -> usize {
        usize::try_from(self.every).unwrap_or(1).max(1)
    }
}

/// The arrangements in which every point is tried.
pub fn arrangements(case: &Case) -> Vec<Scenario> {
    let one = Scenario::of(case);
    let here = Scenario {
        entry: Entry::Here,
        ..one.clone()
    };
    let two = Scenario {
        workers: 2,
        ..one.clone()
    };
    let doubled = Scenario {
        traffic: Traffic::Duplicated,
        ..two.clone()
    };
    vec![
        Scenario {
            chain: 1,
            ..one.clone()
        },
        Scenario {
            order: Order::Drawn,
            ..doubled.clone()
        },
        Scenario {
            forgetful: true,
            ..doubled.clone()
        },
        doubled,
        Scenario {
            traffic: Traffic::Reordered,
            ..two
        },
        Scenario {
            local: true,
            ..one.clone()
        },
        Scenario {
            local: true,
            ..here.clone()
        },
        here,
        one,
    ]
}

/// Tries every point of every arrangement of a case; of a sample, other ones in each.
pub fn every_point(case: &Case, sample: Sample) -> Table {
    let mut table = Table::default();
    for (from, quiet) in (0..).zip(arrangements(case)) {
        let sample = Sample { from, ..sample };
        every_fault(case, &quiet, sample, &mut table);
        every_cancel(case, &quiet, sample, &mut table);
        if case.has_family() {
            let child = Scenario {
                cancel_whom: Whom::Child,
                ..quiet
            };
            every_cancel(case, &child, sample, &mut table);
        }
    }
    table
}

/// Every fate that can befall a call, at every call of the scenario.
pub fn every_fault(case: &Case, quiet: &Scenario, sample: Sample, table: &mut Table) {
    let baseline = simulate(case, quiet);
    table.add("none", quiet, &baseline);
    let leases = match quiet.traffic {
        // A message that is late sees the dead claim later, and waits out its lease from then on.
        Traffic::Reordered => 2,
        _ => 1,
    };
    let late_ms = case.lease_ms_max() * leases + quiet.visibility_ms + RECOVERY_MS;
    let bound_ms = baseline.ended_ms + late_ms;
    for (number, kind) in (1..)
        .zip(&baseline.calls)
        .skip(sample.skip())
        .step_by(sample.step())
    {
        for fate in Fate::FAULTS {
            if fate.applies(*kind, quiet.local) {
                let scenario = Scenario {
                    crash_at: Some(number),
                    fate: *fate,
                    ..quiet.clone()
                };
                let report = simulate_within(case, &scenario, bound_ms);
                table.add(word(*fate), &scenario, &struck(&scenario, report));
            }
        }
    }
}

/// A cancel before every call of the scenario.
pub fn every_cancel(case: &Case, quiet: &Scenario, sample: Sample, table: &mut Table) {
    let baseline = simulate(case, quiet);
    for number in (1..=baseline.calls.len() as u64)
        .skip(sample.skip())
        .step_by(sample.step())
    {
        let scenario = Scenario {
            cancel_at: Some(number),
            ..quiet.clone()
        };
        let row = match quiet.cancel_whom {
            Whom::Root => "cancel before every call",
            Whom::Child => "cancel of a child before every call",
        };
        table.add(row, &scenario, &simulate(case, &scenario));
    }
}

/// Up to the fault a run is the baseline, so the fault has to have happened. And one call that
/// failed is no reason to perform an effect again.
fn struck(scenario: &Scenario, mut report: Report) -> Report {
    let mut add = |kind, text: &str| {
        let text = text.to_owned();
        report.breaches.push(Breach { kind, text });
    };
    if report.faults.is_empty() {
        add(
            BreachKind::Wrong,
            "the call that should meet its fate was never made",
        );
    }
    if report.repeated > 0 && !scenario.fate.is_crash() && scenario.workers == 1 {
        add(
            BreachKind::Duplicated,
            "an effect was repeated because one call failed",
        );
    }
    report
}

fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::CrashBefore => "crash before every call",
        Fate::CrashAfter => "crash after every call",
        Fate::AnswerLost => "every answer lost",
        _ => "every call refused",
    }
}
