//! What a fork sets before it begins, and what cannot be set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::ForkError;
use lattice_ir::JoinPolicy;
use lattice_journal::EventBody;
use lattice_model::limits;
use serde_json::{Value, json};
use support::forks::{answer_all, begin, branching, forked, output};

#[test]
fn what_is_set_counts_from_there_on() {
    let mut run = begin(branching(JoinPolicy::All));
    answer_all(&mut run);
    let after = |stage: &str| {
        let gave = |body: &EventBody| matches!(body, EventBody::StageCompleted(it) if it.stage.as_str() == stage);
        run.log.iter().position(gave).unwrap() as u64 + 1
    };
    let result = |at: u64, path: &str, value: Value| {
        let mut fork = forked(&run, at, &[(path, value)]).unwrap();
        answer_all(&mut fork);
        output(&fork)["seen"].clone()
    };
    let after_a = after("a");
    assert_eq!(result(after_a, "nodes.a.output", json!("new")), "new!?");
    let after_p = after("p.join");
    assert_eq!(result(after_p, "vars.seen", json!("mine")), "mine?");
    let after_d = after("d");
    assert_eq!(result(after_d, "vars.count", json!([1])), json!([1]));
}

#[test]
fn what_cannot_be_set_is_named_with_what_can() {
    let mut run = begin(branching(JoinPolicy::All));
    run.answers("a", 1, "hello");
    let last = run.log.len() as u64;
    for (path, said) in [
        ("", "`` cannot be set; a path is `vars.NAME`"),
        ("var.seen", "`var.seen` cannot be set"),
        ("vars", "`vars` cannot be set"),
        ("in.", "`in.` cannot be set"),
        ("in..x", "`in..x` cannot be set"),
        (
            "vars.sean",
            "`vars.sean` is not there at this event; the variables there are `count`, `seen`",
        ),
        ("nodes.b.output", "the outputs of nodes there are `a`"),
        ("nodes.a", "`nodes.a` is not there"),
        ("nodes.a.input", "`nodes.a.input` is not there"),
        (
            "in.name.first",
            "`in.name.first` leads to `first` inside a text",
        ),
        (
            "in.who.first",
            "`in.who.first` leads through `who`, which is not there",
        ),
        ("vars.seen", "`vars.seen` stands in 2 places"),
    ] {
        let error = forked(&run, last, &[(path, json!(1))]).err().unwrap();
        assert!(error.to_string().contains(said), "{path}: {error}");
    }
    let large = json!("x".repeat(limits::VALUE_BYTES_MAX));
    let error = forked(&run, last, &[("vars.count", large)]).err().unwrap();
    assert!(matches!(error, ForkError::ValueTooLarge { .. }), "{error}");
}

#[test]
fn what_is_set_in_a_branch_is_what_the_branch_comes_to() {
    let mut run = begin(branching(JoinPolicy::All));
    run.answers("a", 1, "said a").answers("b", 1, "said b");
    let gave = |body: &EventBody| matches!(body, EventBody::StageCompleted(it) if it.stage.as_str() == "b");
    let after_b = run.log.iter().position(gave).unwrap() as u64 + 1;
    let set = [("nodes.b.output", json!("other"))];
    let mut fork = forked(&run, after_b, &set).unwrap();
    answer_all(&mut fork);
    assert_eq!(output(&fork)["p"][0], "other", "{}", fork.lines(0));
}
