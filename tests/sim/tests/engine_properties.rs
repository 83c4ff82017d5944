//! Properties of the pure engine over drawn Programs: the state is the fold of the log, a decision
//! exists for whatever happens, and a decision that was cut is carried on to the same end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bare;

use bare::Bare;
use lattice_engine::{Cause, RunState, fold};
use lattice_ir::{CallOutcome, End, Eval, JoinPolicy, Op, OpKind, Program};
use lattice_journal::{
    Commit, EventBody, Failure, FailureKind, InboxBody, RunStatus, Tail, Usage, ValueRef,
};
use lattice_model::{CommitId, Millis, NodeId, OpId, StageId, limits};
use lattice_sim::oracle::{Chance, World, random_program, world};
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn finished(seed: u64, cut: Option<(usize, usize)>) -> Bare {
    let (program, world) = random_program(seed);
    let mut bare = Bare::begin(program, world);
    bare.finish(cut);
    bare
}

#[test]
fn the_log_its_checkpoint_and_the_live_state_are_one() {
    for seed in 0..300 {
        let bare = finished(seed, None);
        let mut state = RunState::empty();
        for event in &bare.events {
            state = fold(state, [event]);
            let stored = serde_json::to_vec(&state).unwrap();
            let back: RunState = serde_json::from_slice(&stored).unwrap();
            assert_eq!(back, state, "seed {seed} at {}", event.seq);
        }
        assert_eq!(state, bare.state, "seed {seed}");
        assert_eq!(
            fold(RunState::empty(), &bare.events),
            bare.state,
            "seed {seed}"
        );
    }
}

/// Whether an event opens something that its own step still has to end.
fn is_half(body: &EventBody, next: Option<&EventBody>) -> bool {
    match body {
        EventBody::LlmStepCompleted(_)
        | EventBody::LlmStepFailed(_)
        | EventBody::VariableSet(_)
        | EventBody::TimerFired(_)
        | EventBody::RunResumed(_)
        | EventBody::SignalReceived(_)
        | EventBody::CancelRequested(_)
        | EventBody::StageSkipped(_) => true,
        EventBody::WaitOpened(_) => matches!(next, Some(EventBody::TimerSet(_))),
        // The branches begin with their split, and a join ends with its firing.
        EventBody::BranchStarted(_) | EventBody::JoinFired(_) => true,
        _ if matches!(
            next,
            Some(EventBody::BranchEnded(_) | EventBody::JoinFired(_) | EventBody::StageSkipped(_))
        ) =>
        {
            true
        }
        // An item that fails ends its map, unless that goes on; and a map that has its list is over.
        EventBody::BranchEnded(_) => matches!(next, Some(EventBody::StageFailed(_))),
        EventBody::MapStarted(_) => true,
        EventBody::StageCompleted(done) => done.next.is_none(),
        EventBody::StageFailed(failed) => failed.next.is_none(),
        _ => false,
    }
}

/// Whether what the Program comes to does not hang on which of its branches is quicker: a worker that
/// died costs time.
fn is_timeless(seed: u64) -> bool {
    let (program, _) = random_program(seed);
    program.ops.iter().all(|op| match &op.kind {
        OpKind::Split(split) => split.branches.iter().all(|one| one.timeout_ms.is_none()),
        OpKind::Join(join) => join.policy == JoinPolicy::All,
        _ => true,
    })
}

#[test]
fn a_decision_that_was_cut_between_two_steps_is_carried_on_to_the_same_end() {
    let (mut cuts, mut given_up) = (0, 0);
    for seed in (0..250).filter(|seed| is_timeless(*seed)) {
        let whole = finished(seed, None);
        for (number, decision) in decisions(seed).iter().enumerate() {
            for count in 0..decision.len() {
                let next = decision.get(count);
                if count > 0 && is_half(&decision[count - 1], next) {
                    continue;
                }
                let cut = finished(seed, Some((number, count)));
                cuts += 1;
                if cut.gave_up() && !whole.gave_up() {
                    given_up += 1;
                    continue;
                }
                assert_eq!(
                    cut.end(),
                    whole.end(),
                    "seed {seed}, decision {number} at {count}"
                );
            }
        }
    }
    assert!(
        cuts > 1_000 && given_up * 20 < cuts,
        "{cuts} cuts, {given_up} gave up"
    );
}

/// The events of each decision of an undisturbed run.
fn decisions(seed: u64) -> Vec<Vec<EventBody>> {
    let (program, world) = random_program(seed);
    let mut bare = Bare::begin(program, world);
    let (mut cause, mut all) = (Cause::Wake, Vec::new());
    loop {
        let decision = bare.decide(cause, true);
        bare.take(&decision, decision.events.len());
        all.push(decision.events.clone());
        if bare.state.status.is_terminal() {
            return all;
        }
        let next = if decision.more {
            Some(Cause::Wake)
        } else {
            bare.next(&decision.calls)
        };
        match next {
            Some(next) => cause = next,
            None => return all,
        }
    }
}

#[test]
fn there_is_a_decision_for_whatever_happens() {
    let mut terminal = BTreeMap::new();
    for seed in 0..1_500 {
        let (program, world) = random_program(seed);
        let mut bare = Bare::begin(program, world);
        let mut chance = Chance::new(seed ^ 0xdec1de);
        let mut tail = Tail::empty(bare.run.clone());
        for _ in 0..60 {
            bare.now = Millis::new(bare.now.get() + chance.below(40_000_000) as u64);
            if chance.percent(30) {
                anything(&mut bare, &mut chance);
            }
            let cause = any_cause(&bare, &mut chance);
            let before = bare.state.clone();
            let claims = chance.percent(70);
            let decision = bare.decide(cause.clone(), claims);
            assert_eq!(decision, bare.decide(cause, claims), "seed {seed}");
            if before.status.is_terminal() {
                assert!(
                    decision.events.is_empty(),
                    "seed {seed}: nothing follows the end"
                );
            } else if !decision.events.is_empty() {
                let id = CommitId::new("c");
                let commit = Commit::seal(&tail, id, bare.now, decision.events.clone()).unwrap();
                tail = tail.follow(&commit).unwrap();
            }
            bare.take(&decision, decision.events.len());
        }
        *terminal.entry(bare.state.status).or_insert(0) += 1;
    }
    let ended = |status| terminal.get(&status).copied().unwrap_or(0) > 20;
    let all = [
        RunStatus::Completed,
        RunStatus::Failed,
        RunStatus::Cancelled,
    ];
    assert!(all.into_iter().all(ended), "{terminal:?}");
}

/// Puts something into the inbox, sensible or not.
fn anything(bare: &mut Bare, chance: &mut Chance) {
    if chance.percent(4) {
        let reason = "enough".to_owned();
        return bare.put("cancel", InboxBody::Cancel { reason });
    }
    let nodes: Vec<NodeId> = bare.plan.program().nodes.keys().cloned().collect();
    let node = chance.pick(NodeId::new("nobody"), &nodes);
    let values = [
        json!("Yes"),
        json!(1),
        json!(["No"]),
        json!("words ".repeat(3_000)),
    ];
    let value = chance.pick(Value::Null, &values);
    let value = bare.kept(value);
    let wait = chance.percent(30).then(|| StageId::new(node.as_str()));
    let id = format!("item-{}", chance.below(40));
    if !bare.inbox.iter().any(|item| item.id.as_str() == id) {
        bare.put(&id, InboxBody::Signal { node, wait, value });
    }
}

/// A cause that may or may not fit what the run is doing.
fn any_cause(bare: &Bare, chance: &mut Chance) -> Cause {
    let ops: Vec<StageId> = bare
        .plan
        .program()
        .ops
        .iter()
        .map(|op| StageId::new(&op.name))
        .collect();
    let claimed = bare.state.claims().next();
    let (stage, attempt) = match claimed.filter(|_| chance.percent(60)) {
        Some(claimed) => (claimed.stage, claimed.attempt),
        None => {
            let stage = chance.pick(StageId::new("no stage"), &ops);
            (stage, u32::try_from(chance.below(7)).unwrap())
        }
    };
    match chance.below(4) {
        0 => Cause::Lost { stage, attempt },
        1 | 2 => Cause::Ended {
            stage,
            attempt,
            outcome: any_outcome(chance),
        },
        _ => Cause::Wake,
    }
}

fn any_outcome(chance: &mut Chance) -> CallOutcome {
    let texts = [
        "{\"label\": \"yes\"}".to_owned(),
        "x".repeat(20_000),
        String::new(),
    ];
    let text = chance.pick("words".to_owned(), &texts);
    let kind = chance.pick(FailureKind::Timeout, FailureKind::ALL);
    match chance.percent(60) {
        true => world::succeed(text),
        false => Err((
            Failure::new(kind, "no"),
            Usage {
                input_tokens: 3,
                output_tokens: 0,
            },
        )),
    }
}

/// A hundred ops that need nobody: far more than a commit holds.
fn long_program() -> Program {
    const OPS: u32 = 100;
    let eval = |place: u32| {
        let input = json!({ "place": place, "text": "x".repeat(3_000) });
        let next = OpId(place + 1);
        OpKind::Eval(Eval {
            input,
            transform: None,
            fallback: None,
            next,
            on_error: None,
        })
    };
    let end = OpKind::End(End {
        output: json!("{{nodes.op-99.output.place}}"),
    });
    let kinds = (0..OPS).map(eval).chain([end]);
    let op = |(place, kind): (usize, OpKind)| {
        let name = format!("op-{place}");
        Op {
            node: NodeId::new(&name),
            visits_max: None,
            name,
            kind,
        }
    };
    let (random, _) = random_program(0);
    Program {
        input: None,
        ops: kinds.enumerate().map(op).collect(),
        entry: OpId(0),
        ..random
    }
}

#[test]
fn what_is_too_much_for_one_commit_goes_into_several() {
    let mut bare = Bare::begin(long_program(), World::new(json!({})));
    for number in 0..40 {
        let (node, wait) = (NodeId::new("op-1"), None);
        let value = ValueRef::of(json!(number)).0;
        bare.put(
            &format!("item-{number}"),
            InboxBody::Signal { node, wait, value },
        );
    }
    let (mut tail, mut commits) = (Tail::empty(bare.run.clone()), 0);
    while !bare.state.status.is_terminal() {
        let decision = bare.decide(Cause::Wake, false);
        assert!(decision.more || decision.state.status.is_terminal());
        assert!(decision.folds.len() <= limits::FOLD_ITEMS_MAX);
        let id = CommitId::new(format!("c{commits}"));
        let commit = Commit::seal(&tail, id, bare.now, decision.events.clone()).unwrap();
        tail = tail.follow(&commit).unwrap();
        commits += 1;
        bare.take(&decision, decision.events.len());
    }
    assert_eq!(bare.end()["status"], json!("completed"));
    assert!((3..=20).contains(&commits), "{commits} commits");
    assert!(bare.inbox.is_empty(), "every item was folded");
}
