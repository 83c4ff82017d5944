//! What holds of every drawn Program, and that there is enough of everything among them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::random_program;
use crate::oracle::visits::{in_loops, op_of};
use crate::oracle::{Outcome, interpret};
use lattice_ir::{Plan, Program, verify};
use lattice_journal::RunStatus;
use lattice_model::NodeId;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 2_000;

fn outcome(seed: u64) -> Outcome {
    let (program, world) = random_program(seed);
    interpret(&program, &world)
}

/// What goes round among the runs.
#[derive(Debug, Default)]
struct Again {
    programs: u32,
    runs: u32,
    in_branches: u32,
    calls: u32,
    left_by_themselves: u32,
}

impl Again {
    fn take(&mut self, program: &Program, outcome: &Outcome) {
        let is_later = |stage: &str| stage.contains('@');
        let later = |path: &[String]| path.iter().any(|stage| is_later(stage));
        let inside = outcome.branches.values().any(|branch| later(&branch.path));
        let goes_round = inside || later(&outcome.path);
        let has_failed = outcome.failure.is_some();
        self.programs += u32::from(!in_loops(program).is_empty());
        self.runs += u32::from(goes_round);
        self.in_branches += u32::from(inside);
        self.calls += u32::from(outcome.calls.keys().any(|stage| is_later(stage)));
        self.left_by_themselves += u32::from(goes_round && !has_failed);
    }

    fn check(&self) {
        assert!(self.programs >= 400, "{self:?}");
        assert!(self.runs >= 200 && self.in_branches >= 25, "{self:?}");
        assert!(
            self.calls >= 60 && self.left_by_themselves >= 60,
            "{self:?}"
        );
    }
}

#[test]
fn every_program_verifies_and_comes_to_the_same_outcome_twice() {
    let (mut seen, mut far) = (BTreeMap::new(), 0);
    let mut again = Again::default();
    for seed in 0..SEEDS {
        let (program, world) = random_program(seed);
        assert_eq!(verify(&program), Ok(()), "seed {seed}");
        assert!((3..=60).contains(&program.ops.len()), "seed {seed}");
        assert_eq!(
            program.hash().unwrap(),
            random_program(seed).0.hash().unwrap()
        );
        let first = interpret(&program, &world);
        assert_eq!(
            first,
            interpret(&program, &world),
            "seed {seed}, same world"
        );
        assert_eq!(first, outcome(seed), "seed {seed}, made again");
        let inside = first.branches.values().map(|branch| branch.path.len());
        far += usize::from(first.path.len() + inside.sum::<usize>() >= 7);
        again.take(&program, &first);
        let kind = first.failure.map(|(kind, _)| kind.as_str());
        *seen.entry((first.status, kind)).or_insert(0_u32) += 1;
        let branches = first.branches.into_values();
        let inside = branches.flat_map(|branch| branch.path);
        for name in first.path.into_iter().chain(inside) {
            let op = program.ops.iter().find(|op| op.name == op_of(&name));
            let op = op.unwrap();
            *seen
                .entry((RunStatus::Running, Some(op.kind.word())))
                .or_insert(0) += 1;
        }
    }
    assert!(far >= 300, "only {far} runs visit 7 ops or more");
    again.check();
    // Enough of everything that can happen, or the seeds would prove less than they seem to.
    for (status, kind, at_least) in [
        (RunStatus::Completed, None, 800),
        (RunStatus::Waiting, None, 50),
        (RunStatus::Failed, Some("expression"), 100),
        (RunStatus::Failed, Some("auth"), 10),
        (RunStatus::Failed, Some("rate_limit"), 10),
        (RunStatus::Failed, Some("timeout"), 10),
        (RunStatus::Failed, Some("malformed_output"), 10),
        (RunStatus::Running, Some("call"), 2_000),
        (RunStatus::Running, Some("eval"), 1_000),
        (RunStatus::Running, Some("assign"), 1_000),
        (RunStatus::Running, Some("choice"), 1_000),
        (RunStatus::Running, Some("wait"), 1_000),
        (RunStatus::Running, Some("split"), 1_000),
        (RunStatus::Running, Some("join"), 800),
        (RunStatus::Running, Some("map"), 300),
        (RunStatus::Running, Some("gather"), 200),
        (RunStatus::Failed, Some("merge_conflict"), 10),
        (RunStatus::Failed, Some("limit"), 40),
    ] {
        let found = seen.get(&(status, kind)).copied().unwrap_or(0);
        assert!(
            found >= at_least,
            "{status} {kind:?} only {found} times: {seen:?}"
        );
    }
}

#[test]
fn every_expression_parses() {
    for seed in 0..SEEDS {
        let (program, _) = random_program(seed);
        if let Err(errors) = Plan::new(Arc::new(program)) {
            panic!("seed {seed}: {errors:?}");
        }
    }
}

#[test]
fn nothing_reads_a_moment_or_the_wording_of_a_failure() {
    for seed in 0..SEEDS {
        let (program, world) = random_program(seed);
        let text = serde_json::to_string(&program).unwrap();
        assert!(!text.contains("waitedUntil") && !text.contains("message"));
        let outcome = interpret(&program, &world).comparable();
        let values = outcome.output.iter().chain(outcome.variables.values());
        let outputs = outcome.branches.values().map(|branch| &branch.outputs);
        let outputs = outputs.chain([&outcome.outputs]).flatten();
        // A join may give on what nothing reads, and so may a gather.
        let joined = |node: &NodeId| {
            program.ops.iter().any(|op| {
                [".join", ".gather"]
                    .map(|part| format!("{node}{part}"))
                    .contains(&op.name)
            })
        };
        let outputs = outputs.filter(|(node, _)| !joined(node));
        for value in values.chain(outputs.map(|(_, value)| value)) {
            if *value == json!({ "waitedUntil": "a moment" }) {
                continue;
            }
            let text = value.to_string();
            assert!(!text.contains("waitedUntil"), "seed {seed}: {text}");
            assert!(!text.contains("message"), "seed {seed}: {text}");
        }
    }
}
