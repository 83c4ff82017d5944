//! The flags say the scenario, and nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use clap::Parser;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    scenario: Scenario,
}

#[test]
fn the_printed_command_gives_the_same_scenario() {
    let scenario = Scenario {
        shape: "a-shape".to_owned(),
        seed: 7,
        workers: 3,
        local: true,
        forgetful: true,
        entry: Entry::Here,
        traffic: Traffic::Chaos,
        order: Order::Drawn,
        regime: Regime::LostAnswers,
        early: true,
        crash_at: Some(12),
        fate: Fate::SlowAfter(40),
        cancel_whom: super::Whom::Child,
        cancel_at: Some(3),
        fork_at: Some(9),
        chain: 1,
        visibility_ms: 30_000,
        skew_ms: 300_000,
        rig: Rig::default(),
    };
    for scenario in [scenario, Scenario::default()] {
        let line = scenario.to_string();
        let words = line.split(' ').skip(2);
        assert_eq!(
            Line::try_parse_from(words).unwrap().scenario,
            scenario,
            "{line}"
        );
    }
}
