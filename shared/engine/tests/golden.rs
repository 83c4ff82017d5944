//! `evolve` is frozen per event version: a log that was ever written folds to the same state.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines
)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod support;

use lattice_engine::{RunState, fold};
use lattice_ir::{
    Arm, Assign, Choice, Join, JoinPolicy, Merge, Op, OpKind, QuestionTemplate, Split, SplitBranch,
    Test, Timer, Wait, Way,
};
use lattice_journal::{Choice as AnswerChoice, Event, FailureKind};
use lattice_model::{Hash, Millis, OpId, Seq};
use serde_json::json;
use std::path::PathBuf;
use support::{Runner, call, end, op};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events/v1/logs")
}

/// A run that meets most event types.
fn long_run() -> Runner {
    let question = QuestionTemplate {
        text: "Go on?".to_owned(),
        options: Vec::new(),
        choice: AnswerChoice::Text,
    };
    let ask = Wait {
        question: Some(question),
        timer: Some(Timer::After(5_000)),
        on_answer: Some(OpId(2)),
        on_timer: Some(OpId(2)),
        on_error: None,
    };
    let ops = vec![
        call("think", "About {{in.what}}", 1, |_| {}),
        op("ask", OpKind::Wait(ask)),
        call("write", "x", 3, |call| call.on_error = Some(OpId(3))),
        end(
            "end",
            json!({ "think": "{{nodes.think.output}}", "write": "{{nodes.write.output}}" }),
        ),
    ];
    let mut run = Runner::start(ops, json!({ "what": "that" }));
    run.wake()
        .signal("s0", "ask", None, json!(5))
        .fails("think", 1, FailureKind::RateLimit);
    run.wake_later(10_000)
        .loses("think", 2)
        .answers("think", 2, "late");
    run.answers("think", 3, "thought")
        .signal("s1", "ask", Some("ask"), json!("yes"));
    run.fails("write", 1, FailureKind::Refused);
    run
}

fn cancelled_run() -> Runner {
    let ops = vec![call("think", "x", 1, |_| {}), end("end", json!(null))];
    let mut run = Runner::start(ops, json!({}));
    run.wake()
        .signal("s0", "nobody", None, json!(1))
        .cancel("c1");
    run
}

/// A run with one split behind it, and one whose branches are half done.
fn run_in_branches() -> Runner {
    let split = |name: &str, firsts: [u32; 2], join| {
        let branches = firsts.map(|to| SplitBranch {
            way: Way {
                port: format!("branch-{to}"),
                to: OpId(to),
            },
            timeout_ms: Some(60_000),
        });
        let (branches, join) = (branches.to_vec(), OpId(join));
        op(name, OpKind::Split(Split { branches, join }))
    };
    let join = |name: &str, split, needed, next| {
        let kind = OpKind::Join(Join {
            split: OpId(split),
            policy: JoinPolicy::Quorum { needed },
            merge: Merge::Last,
            next: OpId(next),
            on_error: None,
            on_timeout: None,
        });
        op(name, kind)
    };
    let set = |name: &str, next| {
        let kind = OpKind::Assign(Assign {
            variable: "x".to_owned(),
            value: Some(json!(name)),
            next: OpId(next),
            on_error: None,
        });
        op(name, kind)
    };
    let ops = vec![
        split("p", [2, 4], 1),
        join("p.join", 0, 1, 5),
        call("a", "a", 3, |_| {}),
        set("seta", 1),
        call("b", "b", 1, |_| {}),
        split("q", [7, 8], 6),
        join("q.join", 5, 2, 10),
        call("c", "{{vars.x}}", 9, |_| {}),
        call("d", "d", 6, |_| {}),
        set("setc", 6),
        end("end", json!("{{vars.x}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake()
        .answers("a", 1, "first")
        .answers("c", 1, "one of two");
    run
}

/// A loop that was left, and one whose second visit is under way.
fn run_in_loops() -> Runner {
    let again = |name: &str, back, on| {
        let arm = Arm {
            test: Test::Cel(format!("nodes.{name}.output == 'poor'")),
            way: Way {
                port: "true".to_owned(),
                to: OpId(back),
            },
        };
        let otherwise = Way {
            port: "false".to_owned(),
            to: OpId(on),
        };
        let kind = OpKind::Choice(Choice {
            arms: vec![arm],
            otherwise: Some(otherwise),
            on_error: None,
            keeps_port: false,
        });
        op(&format!("{name}.again"), kind)
    };
    let at_most = |max, op| Op {
        visits_max: Some(max),
        ..op
    };
    let ops = vec![
        at_most(3, call("draft", "Write.", 1, |_| {})),
        again("draft", 0, 2),
        call("check", "Judge.", 3, |_| {}),
        at_most(9, again("check", 2, 4)),
        end("end", json!("{{nodes.draft.output}}")),
    ];
    let mut run = Runner::start(ops, json!({}));
    run.wake()
        .answers("draft", 1, "poor")
        .fails("draft@2", 1, FailureKind::RateLimit);
    run.wake_later(10_000)
        .answers("draft@2", 2, "good")
        .answers("check", 1, "poor");
    run
}

/// Logs in the making, written once when `UPDATE_EXPECT` is set, and never changed.
fn write_missing() {
    for (name, run) in [
        ("long-run", long_run()),
        ("cancelled-run", cancelled_run()),
        ("run-in-branches", run_in_branches()),
        ("run-in-loops", run_in_loops()),
    ] {
        let path = folder().join(format!("{name}.jsonl"));
        if path.exists() {
            continue;
        }
        let lines = run.log.iter().enumerate().map(|(place, body)| {
            let event = Event {
                run: Runner::run_id(),
                seq: Seq::FIRST.plus(place),
                timestamp: Millis::new(1_000 + place as u64),
                body: body.clone(),
            };
            serde_json::to_string(&event).unwrap() + "\n"
        });
        let text: String = lines.collect();
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, &text).unwrap();
        std::fs::write(path.with_extension("state"), hash_of(&text) + "\n").unwrap();
    }
}

fn hash_of(log: &str) -> String {
    let events: Vec<Event> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let state = fold(RunState::empty(), &events);
    Hash::of_json(&serde_json::to_value(state).unwrap()).to_hex()
}

#[test]
fn every_log_ever_written_folds_to_the_state_it_had() {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        write_missing();
    }
    let mut read = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            let log = std::fs::read_to_string(&path).unwrap();
            let expected = std::fs::read_to_string(path.with_extension("state")).unwrap();
            assert_eq!(hash_of(&log), expected.trim(), "{}", path.display());
            read += 1;
        }
    }
    assert!(read >= 4, "only {read} logs");
}
