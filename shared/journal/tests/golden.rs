//! Stored shapes are for ever: every sample ever written is read, and written back byte for byte.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines
)]
#![allow(clippy::disallowed_methods, reason = "a test reads files")]

mod samples;

use lattice_journal::payload::*;
use lattice_journal::{
    Choice, Event, EventBody, Failure, FailureKind, Question, QuestionOption, Totals, Usage,
    ValueRef,
};
use lattice_model::{
    BootId, BranchId, Hash, InboxId, Millis, NodeId, OpId, RunId, Seq, StageId, Tenant, WorkflowId,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../events/v1")
}

fn inline(value: Value) -> ValueRef {
    ValueRef::Inline(Arc::new(value))
}

fn usage() -> Usage {
    Usage {
        input_tokens: 120,
        output_tokens: 45,
    }
}

fn totals() -> Totals {
    Totals {
        stages: 7,
        attempts: 3,
        usage: usage(),
    }
}

fn next(name: &str, op: u32) -> Option<StageRef> {
    Some(StageRef {
        stage: StageId::new(name),
        op: OpId(op),
        visit: None,
    })
}

/// What a build of version 1 writes for each type.
fn samples() -> Vec<EventBody> {
    let (stage, node, op) = (StageId::new("draft"), NodeId::new("draft"), OpId(2));
    let failure =
        Failure::new(FailureKind::RateLimit, "the provider asks to wait").after(Some(2_000));
    let option = |label: &str| QuestionOption {
        label: label.to_owned(),
        value: json!(label),
        description: None,
    };
    let question = Question {
        text: "Send this answer?".to_owned(),
        options: vec![option("Send"), option("Rewrite")],
        choice: Choice::One,
    };
    vec![
        RunQueued {
            trigger: None,
            parent: None,
            batch: None,
            budget: None,
            limit: None,
            tenant: Tenant::local(),
            workflow: WorkflowId::new("support-triage"),
            name: "Support triage".to_owned(),
            program: Hash::of(b"program"),
            input: inline(json!({ "ticket": "It does not start" })),
            variables: BTreeMap::from([("tone".to_owned(), inline(json!("friendly")))]),
            lifetime_ms: 604_800_000,
            entry: StageRef {
                stage: StageId::new("classify"),
                op: OpId(0),
                visit: None,
            },
        }
        .into(),
        RunStarted {}.into(),
        RunWaiting {}.into(),
        RunResumed {}.into(),
        RunCompleted {
            output: ValueRef::Blob {
                hash: Hash::of(b"output"),
                bytes: 9_000,
            },
            totals: totals(),
        }
        .into(),
        RunFailed {
            failure: Failure::new(FailureKind::Auth, "the key was refused"),
            stage: Some(stage.clone()),
            node: Some(node.clone()),
            totals: totals(),
        }
        .into(),
        RunCancelled { totals: totals() }.into(),
        CancelRequested {
            inbox: InboxId::new("in_1"),
            reason: "not needed".to_owned(),
        }
        .into(),
        StageStarted {
            stage: stage.clone(),
            op,
            node: node.clone(),
            attempt: 2,
            epoch: 1,
            lease_ms: 125_000,
            key: Hash::of(b"key"),
            boot: BootId::new("boot_1"),
            reserved: None,
        }
        .into(),
        StageCompleted {
            stage: stage.clone(),
            op,
            node: node.clone(),
            output: Some(inline(json!("Dear customer"))),
            port: Some("out".to_owned()),
            next: next("approve", 3),
        }
        .into(),
        StageFailed {
            stage: stage.clone(),
            op,
            node: node.clone(),
            attempt: 3,
            failure: failure.clone(),
            next: next("apologise", 5),
        }
        .into(),
        StageRetrying {
            stage: stage.clone(),
            attempt: 1,
            epoch: 1,
            failure: failure.clone(),
            due_at: Millis::new(1_767_225_602_000),
        }
        .into(),
        StageSkipped {
            stage: stage.clone(),
            op,
            node: node.clone(),
            reason: "the run was cancelled".to_owned(),
        }
        .into(),
        LlmStepStarted {
            stage: stage.clone(),
            attempt: 1,
            model: "medium".to_owned(),
            prompt: inline(json!("Answer this ticket")),
        }
        .into(),
        LlmStepCompleted {
            stage: stage.clone(),
            attempt: 1,
            model: "mock-medium".to_owned(),
            text: inline(json!("Dear customer")),
            usage: usage(),
            finish: "stop".to_owned(),
            latency_ms: 812,
        }
        .into(),
        LlmStepFailed {
            stage: stage.clone(),
            attempt: 1,
            failure,
            usage: usage(),
        }
        .into(),
        WaitOpened {
            stage: stage.clone(),
            op,
            node: node.clone(),
            question: Some(question),
        }
        .into(),
        TimerSet {
            stage: stage.clone(),
            due_at: Millis::new(1_767_225_660_000),
        }
        .into(),
        TimerFired {
            stage: stage.clone(),
            due_at: Millis::new(1_767_225_660_000),
        }
        .into(),
        SignalReceived {
            inbox: InboxId::new("in_2"),
            node,
            wait: Some(stage.clone()),
            value: inline(json!("Send")),
            outcome: SignalOutcome::Refused {
                reason: "the question is over".to_owned(),
            },
        }
        .into(),
        VariableSet {
            stage: stage.clone(),
            name: "tone".to_owned(),
            value: Some(inline(json!("formal"))),
        }
        .into(),
        TraceBreadcrumb {
            kind: "result.late".to_owned(),
            stage: Some(stage.clone()),
            detail: late_detail(1, usage(), Seq::from_stored(9)),
        }
        .into(),
        BranchStarted {
            branch: BranchId::of(&StageId::new("both"), 1),
            split: StageId::new("both"),
            index: 1,
            outer: Some(BranchId::of(&StageId::new("around"), 0)),
            entry: StageRef {
                stage,
                op,
                visit: None,
            },
            join: StageRef {
                stage: StageId::new("both.join"),
                op: OpId(4),
                visit: None,
            },
            due_at: Some(Millis::new(1_767_225_660_000)),
            item: false,
        }
        .into(),
        BranchEnded {
            branch: BranchId::of(&StageId::new("both"), 1),
            outcome: BranchOutcome::Completed {
                output: inline(json!("fine")),
            },
        }
        .into(),
        JoinFired {
            stage: StageId::new("both.join"),
            split: StageId::new("both"),
            counted: vec![1],
            skipped: vec![0, 2],
            variables: BTreeMap::from([
                ("tone".to_owned(), Some(inline(json!("formal")))),
                ("draft".to_owned(), None),
            ]),
        }
        .into(),
        ChildStarted {
            stage: StageId::new("review"),
            op: OpId(1),
            node: NodeId::new("review"),
            child: RunId::from_parts(Millis::new(1_767_225_600_000), [8; 10]),
            workflow: WorkflowId::new("review-contract"),
            program: Hash::of(b"program"),
            input: inline(json!({ "text": "the contract" })),
            due_at: Some(Millis::new(1_767_225_660_000)),
            batch: None,
            reserved: None,
        }
        .into(),
        ChildEnded {
            inbox: InboxId::new("end_run_01kds63d00104gj20g4104gj20"),
            stage: StageId::new("review"),
            child: RunId::from_parts(Millis::new(1_767_225_600_000), [8; 10]),
            outcome: ChildOutcome::Completed {
                output: inline(json!("fine")),
            },
            usage: usage(),
            lost: 0,
        }
        .into(),
        StageHeld {
            stage: StageId::new("review"),
            attempt: 1,
            epoch: 0,
            needed: 4_200,
        }
        .into(),
        MapStarted {
            stage: StageId::new("each"),
            op: OpId(0),
            node: NodeId::new("each"),
            gather: StageRef {
                stage: StageId::new("each.gather"),
                op: OpId(1),
                visit: None,
            },
            items: inline(json!(["boats", "trains"])),
            first: 0,
            count: 2,
            runs: false,
            pace: Pace {
                batch_size: 10,
                batches_at_once: 1,
                items_at_once: 16,
                pause_ms: 1_000,
            },
        }
        .into(),
        samples::run_forked().into(),
    ]
}

fn event(place: usize, body: EventBody) -> Event {
    Event {
        run: RunId::from_parts(Millis::new(1_767_225_600_000), [7; 10]),
        seq: Seq::FIRST.plus(place),
        timestamp: Millis::new(1_767_225_600_000 + place as u64),
        body,
    }
}

fn text(event: &Event) -> String {
    let value = serde_json::to_value(event).unwrap();
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

/// Writes a sample that does not exist yet when `UPDATE_EXPECT` is set; never changes one.
#[test]
fn every_type_has_a_sample_that_this_build_still_writes() {
    let samples = samples();
    let kinds: Vec<_> = samples.iter().map(EventBody::kind).collect();
    assert_eq!(
        kinds,
        EventBody::TYPES,
        "a sample per type, in the order of the list"
    );
    for (place, body) in samples.into_iter().enumerate() {
        let path = folder().join(format!("{}.json", body.kind()));
        let event = event(place, body);
        if !path.exists() && std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, text(&event)).unwrap();
        }
        let stored = std::fs::read_to_string(&path)
            .unwrap_or_else(|_| panic!("{} is missing: set UPDATE_EXPECT=1 once", path.display()));
        assert_eq!(
            text(&event),
            stored,
            "{}: a stored shape must not change",
            path.display()
        );
    }
}

#[test]
fn every_sample_ever_written_is_read_back() {
    let mut read = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let stored = std::fs::read_to_string(&path).unwrap();
            let event: Event = serde_json::from_str(&stored)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(text(&event), stored, "{}", path.display());
            read += 1;
        }
    }
    assert!(read >= EventBody::TYPES.len(), "only {read} samples");
}
