//! Drawn Programs under drawn faults, as many as there are seeds.

use crate::oracle::Chance;
use crate::report::{Breach, BreachKind, Report};
use crate::runner::simulate;
use crate::scenario::{Case, Entry, Order, Regime, Scenario, Traffic, Whom};
use crate::table::Table;

/// Everything that a seed fixes. A name keeps the Program and lets the rest be drawn.
pub fn scenario(seed: u64, shape: &str) -> Scenario {
    let mut chance = Chance::new(seed.wrapping_mul(0x9e37).wrapping_add(11));
    let regimes = [
        Regime::LostAnswers,
        Regime::Throttling,
        Regime::Slowness,
        Regime::Storm,
        Regime::Calm,
    ];
    let regime = chance.pick(Regime::Crashes, &regimes);
    let traffics = [
        Traffic::Duplicated,
        Traffic::Reordered,
        Traffic::Chaos,
        Traffic::Lossy,
    ];
    let local = chance.percent(20);
    Scenario {
        shape: shape.to_owned(),
        seed,
        workers: if local { 1 } else { chance.pick(1, &[2, 2, 3]) },
        local,
        forgetful: !local && chance.percent(30),
        entry: chance.pick(Entry::Queue, &[Entry::Here]),
        traffic: chance.pick(Traffic::Plain, &traffics),
        order: chance.pick(Order::Drawn, &[Order::Drawn, Order::Fifo]),
        regime,
        early: chance.percent(30),
        cancel_at: chance.percent(10).then(|| 1 + chance.below(80) as u64),
        chain: chance.pick(lattice_model::limits::CHAIN_STAGES_MAX, &[1, 2]),
        visibility_ms: chance.pick(30_000, &[120_000, 900_000]),
        skew_ms: chance.pick(0, &[5_000, 300_000]),
        ..Scenario::default()
    }
}

/// Runs the seeds from `first` on, each twice: one seed is one log.
pub fn run(first: u64, count: u64, shape: &str) -> Result<Table, String> {
    let mut table = Table::default();
    let fixed = match shape {
        crate::scenario::RANDOM => None,
        name => Some(Case::find(name, first)?),
    };
    for seed in first..first.saturating_add(count) {
        let drawn;
        let case = match &fixed {
            Some(case) => case,
            None => {
                drawn = Case::find(shape, seed)?;
                &drawn
            }
        };
        let mut scenario = scenario(seed, shape);
        scenario.early |= case.answers_early;
        // Nobody can answer a run that has not begun.
        scenario.early &= !case.has_family() && !case.asks_in_items();
        // What a process keeps in its memory it loses only with itself.
        if case.has_family() && scenario.local && scenario.traffic == Traffic::Lossy {
            scenario.traffic = Traffic::Duplicated;
        }
        if case.has_family() && seed % 2 == 0 {
            scenario.cancel_whom = Whom::Child;
        }
        let mut report = simulate(case, &scenario);
        compare(&mut report, &simulate(case, &scenario));
        table.add(row(&scenario), &scenario, &report);
    }
    Ok(table)
}

fn compare(report: &mut Report, again: &Report) {
    if report.trace != again.trace || report.log != again.log {
        let text = "the same seed gave another log the second time".to_owned();
        report.breaches.push(Breach {
            kind: BreachKind::Wrong,
            text,
        });
    }
}

fn row(scenario: &Scenario) -> &'static str {
    match scenario.regime {
        Regime::Calm if scenario.traffic == Traffic::Lossy => "lost messages",
        Regime::Calm if scenario.skew_ms > 0 => "clocks wrong by up to 5 min",
        Regime::Calm => "duplicates, delays, races",
        Regime::Crashes => "crashes",
        Regime::LostAnswers => "lost answers",
        Regime::Throttling => "throttling (40 % refused)",
        Regime::Slowness => "slow calls",
        Regime::Storm => "all of these",
    }
}
