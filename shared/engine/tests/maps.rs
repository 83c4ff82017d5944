//! Maps whose items go in the run itself: which begin, what they see, and what comes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Phase, RunState, fold};
use lattice_ir::{OpKind, Way};
use lattice_journal::{Event, FailureKind, RunStatus};
use lattice_model::{Millis, OpId, Seq, StageId, limits};
use serde_json::json;
use support::maps::{call, calls, failure, map, open, output};
use support::{Runner, end, op};

#[test]
fn results_stand_by_the_places_of_the_items_whatever_order_they_end_in() {
    let mut run = calls(json!(["x", "y", "z"]), |_| {});
    assert_eq!(open(&run), ["a[0]", "a[1]", "a[2]", "m.gather"]);
    let prompts: Vec<String> = run
        .calls
        .iter()
        .map(|call| format!("{:?}", call.effect))
        .collect();
    assert!(prompts[1].contains("do y at 1"), "{}", prompts[1]);
    let keys: std::collections::BTreeSet<_> = run.calls.iter().map(|call| call.key).collect();
    assert_eq!(keys.len(), 3, "each item has a key of its own");
    run.answers("a[2]", 1, "Z")
        .answers("a[0]", 1, "X")
        .answers("a[1]", 1, "Y");
    assert_eq!(output(&run), json!(["X", "Y", "Z"]));
}

#[test]
fn so_many_items_are_under_way_at_once_as_the_map_says() {
    let mut run = calls(json!([0, 1, 2, 3]), |map| map.items_at_once = 2);
    assert_eq!(open(&run), ["a[0]", "a[1]", "m.gather"]);
    run.answers("a[1]", 1, "1");
    assert_eq!(open(&run), ["a[0]", "a[2]", "m.gather"]);
    run.answers("a[2]", 1, "2")
        .answers("a[3]", 1, "3")
        .answers("a[0]", 1, "0");
    assert_eq!(output(&run), json!(["0", "1", "2", "3"]));
}

#[test]
fn a_batch_waits_for_the_one_before_it_and_for_the_pause() {
    let mut run = calls(json!([0, 1, 2, 3, 4]), |map| {
        (map.batch_size, map.pause_ms) = (2, 5_000);
    });
    assert_eq!(open(&run), ["a[0]", "a[1]", "m.gather"]);
    run.answers("a[0]", 1, "0");
    assert_eq!(
        open(&run),
        ["a[1]", "m.gather"],
        "the first batch is not over"
    );
    run.answers("a[1]", 1, "1");
    assert_eq!(open(&run), ["m.gather"], "the pause is not over");
    assert_eq!(run.state.status, RunStatus::Waiting);
    assert_eq!(run.state.due_at(), Some(Millis::new(6_000)));
    run.wake_at(5_999);
    assert_eq!(open(&run), ["m.gather"]);
    run.wake_at(6_000);
    assert_eq!(open(&run), ["a[2]", "a[3]", "m.gather"]);
    run.at = 20_000;
    run.answers("a[3]", 1, "3")
        .answers("a[2]", 1, "2")
        .answers("a[4]", 1, "4");
    assert_eq!(output(&run), json!(["0", "1", "2", "3", "4"]));
}

#[test]
fn batches_go_side_by_side_if_they_may() {
    let run = calls(json!([0, 1, 2, 3, 4]), |map| {
        (map.batch_size, map.batches_at_once) = (2, 2);
    });
    assert_eq!(open(&run), ["a[0]", "a[1]", "a[2]", "a[3]", "m.gather"]);
}

#[test]
fn the_first_failure_ends_the_map_or_stands_among_the_results() {
    let mut run = calls(json!(["x", "y", "z"]), |_| {});
    run.fails("a[1]", 1, FailureKind::Refused);
    assert_eq!(failure(&run).kind, FailureKind::Refused);
    assert_eq!(failure(&run).message, "item 1 failed at node `a`: scripted");
    let lines = run.lines(0);
    assert!(
        lines.contains("stage.skipped a[0] (another item of the map failed)"),
        "{lines}"
    );
    assert!(run.state.branches.is_empty());

    let mut run = calls(json!(["x", "y"]), |map| map.goes_on = true);
    run.fails("a[0]", 1, FailureKind::Refused)
        .answers("a[1]", 1, "Y");
    let failed = json!({"error": {"kind": "refused", "message": "scripted"}});
    assert_eq!(output(&run), json!([failed, "Y"]));
}

#[test]
fn a_failed_map_is_caught() {
    let [first, gather] = map(3, |map| map.on_error = Some(OpId(4)));
    let ops = vec![
        first,
        gather,
        call("a", "do it", 1),
        end("end", json!("fine")),
        end("sorry", json!("{{nodes.m.output.error.message}}")),
    ];
    let mut run = Runner::start(ops.clone(), json!({"items": [1, 2]}));
    run.wake().fails("a[0]", 1, FailureKind::Refused);
    assert_eq!(output(&run), json!("item 0 failed at node `a`: scripted"));
    let mut run = Runner::start(ops, json!({"items": "one, two"}));
    run.wake();
    assert_eq!(output(&run), json!("`items` gives a text, not a list"));
}

#[test]
fn what_is_no_list_or_too_long_fails_at_the_map() {
    for (items, word) in [
        (json!(null), "nothing"),
        (json!({"a": 1}), "an object"),
        (json!(3), "a number"),
    ] {
        let run = calls(items, |_| {});
        assert_eq!(
            failure(&run).message,
            format!("`items` gives {word}, not a list")
        );
    }
    let over = vec![0; limits::MAP_ITEMS_MAX + 1];
    let run = calls(json!(over), |_| {});
    assert_eq!(failure(&run).kind, FailureKind::Limit);
    assert_eq!(
        failure(&run).message,
        "the list has 10001 items, the limit is 10000"
    );
    let most = calls(json!(vec![0; limits::MAP_ITEMS_MAX]), |_| {});
    assert_eq!(most.state.status, RunStatus::Waiting);
    assert_eq!(output(&calls(json!([]), |_| {})), json!([]));
}

#[test]
fn an_item_with_which_nothing_is_done_is_its_own_result() {
    let [first, gather] = map(2, |map| {
        map.way.to = OpId(1);
        map.items_at_once = 2;
    });
    let ops = vec![first, gather, end("end", json!("{{nodes.m.output}}"))];
    let mut run = Runner::start(ops, json!({"items": [1, {"a": 2}, null]}));
    run.wake();
    assert_eq!(output(&run), json!([1, {"a": 2}, null]));
}

#[test]
fn a_loop_in_the_body_counts_for_each_item() {
    let [first, gather] = map(3, |_| {});
    let mut again = call("a", "again", 4);
    again.visits_max = Some(3);
    let choose = op(
        "c",
        OpKind::Choice(lattice_ir::Choice {
            arms: vec![lattice_ir::Arm {
                test: lattice_ir::Test::Equals {
                    target: "{{nodes.a.output}}".to_owned(),
                    value: json!("good"),
                },
                way: Way {
                    port: "yes".to_owned(),
                    to: OpId(1),
                },
            }],
            otherwise: Some(Way {
                port: "no".to_owned(),
                to: OpId(2),
            }),
            on_error: None,
            keeps_port: false,
        }),
    );
    let ops = vec![
        first,
        gather,
        again,
        end("end", json!("{{nodes.m.output}}")),
        choose,
    ];
    let mut run = Runner::start(ops, json!({"items": [1, 2]}));
    run.wake()
        .answers("a[0]", 1, "bad")
        .answers("a[0]@2", 1, "good");
    assert_eq!(open(&run), ["a[1]", "m.gather"]);
    run.answers("a[1]", 1, "bad")
        .answers("a[1]@2", 1, "bad")
        .answers("a[1]@3", 1, "good");
    assert_eq!(output(&run), json!(["good", "good"]));
}

#[test]
fn an_answer_for_one_of_several_items_names_it() {
    let [first, gather] = map(3, |_| {});
    let ask = op(
        "ask",
        OpKind::Wait(lattice_ir::Wait {
            question: Some(lattice_ir::QuestionTemplate {
                text: "{{item}}?".to_owned(),
                options: Vec::new(),
                choice: lattice_journal::Choice::Text,
            }),
            timer: None,
            on_answer: Some(OpId(1)),
            on_timer: None,
            on_error: None,
        }),
    );
    let ops = vec![first, gather, ask, end("end", json!("{{nodes.m.output}}"))];
    let mut run = Runner::start(ops, json!({"items": ["x", "y"]}));
    // Too early, and for nobody in particular.
    run.put_signal("early", "ask", json!("?"));
    run.wake();
    let lines = run.lines(0);
    assert!(
        lines.contains("early refused: node `ask` asks for each item"),
        "{lines}"
    );
    run.signal("s1", "ask", None, json!("?"));
    assert!(
        run.lines(0)
            .contains("s1 refused: node `ask` asks for each item")
    );
    run.signal("s2", "ask", Some("ask[1]"), json!("why"));
    // Only one is left: there is nothing to guess.
    run.signal("s3", "ask", None, json!("ex"));
    assert_eq!(output(&run), json!([{"text": "ex"}, {"text": "why"}]));
}

#[test]
fn the_log_folds_to_the_state_at_every_event() {
    let mut run = calls(json!(["x", "y", "z"]), |map| map.items_at_once = 2);
    run.answers("a[1]", 1, "Y");
    let events = (1..).zip(&run.log).map(|(seq, body)| Event {
        run: Runner::run_id(),
        seq: Seq::from_stored(seq),
        timestamp: Millis::new(1_000),
        body: body.clone(),
    });
    let events: Vec<Event> = events.collect();
    assert_eq!(fold(RunState::empty(), &events), run.state);
    let stored = serde_json::to_string(&run.state).unwrap();
    let read: RunState = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, run.state);
    assert!(matches!(
        run.state.stages[&StageId::new("m.gather")].phase,
        Phase::Mapping(_)
    ));
}
