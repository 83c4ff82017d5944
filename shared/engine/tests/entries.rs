//! Where a run begins: at the entry of the Program, or at that of the trigger that fired.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_engine::{Decision, Origin, StartError, start};
use lattice_ir::{
    Missed, Overlap, Payload, Plan, Program, Schedule, Trigger, TriggerKind, Webhook, WebhookAuth,
};
use lattice_journal::EventBody;
use lattice_journal::payload::{RunQueued, TriggerFired};
use lattice_model::{Millis, NodeId, OpId, Tenant, TriggerId};
use serde_json::{Value, json};
use std::sync::Arc;
use support::{end, program};

fn trigger(node: &str, entry: u32, on: TriggerKind) -> Trigger {
    Trigger {
        node: NodeId::new(node),
        entry: OpId(entry),
        on,
    }
}

fn clock() -> TriggerKind {
    TriggerKind::Schedule(Schedule {
        expression: "rate(1 days)".to_owned(),
        timezone: "UTC".to_owned(),
        input: json!({}),
        overlap: Overlap::default(),
        missed: Missed::default(),
    })
}

fn hook() -> TriggerKind {
    TriggerKind::Webhook(Webhook {
        authentication: WebhookAuth::StandardWebhooks {
            secret: "S".to_owned(),
        },
        methods: vec!["POST".to_owned()],
        payload: Payload::Json,
        schema: None,
    })
}

/// Three ends, one for each way to begin; whoever starts it by hand has to give a title.
fn three_ways() -> Program {
    let ops = vec![
        end("own", json!("{{in.title}}")),
        end("timed", json!("timed")),
        end("sent", json!("{{in.body}}")),
    ];
    Program {
        input: Some(json!({"type": "object", "required": ["title"]})),
        triggers: vec![trigger("clock", 1, clock()), trigger("hook", 2, hook())],
        ..program(ops)
    }
}

fn fired(node: &str) -> Option<TriggerFired> {
    Some(TriggerFired {
        node: NodeId::new(node),
        id: TriggerId::new("tr_x"),
        delivery: Some("d1".to_owned()),
        at: Some(Millis::new(900)),
    })
}

fn begin(input: Value, trigger: Option<TriggerFired>) -> Result<Decision, StartError> {
    let plan = Plan::new(Arc::new(three_ways())).unwrap();
    start(
        &plan,
        Tenant::local(),
        input,
        trigger.map_or(Origin::Request, Origin::Trigger),
        Millis::new(1_000),
    )
}

fn queued(decision: &Decision) -> &RunQueued {
    match decision.events.as_slice() {
        [EventBody::RunQueued(queued)] => queued,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_begins_where_its_trigger_leads() {
    for (input, trigger, stage, op) in [
        (json!({"title": "t"}), None, "own", 0),
        (json!({}), fired("clock"), "timed", 1),
        (json!({"body": 1}), fired("hook"), "sent", 2),
    ] {
        let decision = begin(input, trigger.clone()).unwrap();
        let queued = queued(&decision);
        assert_eq!(queued.entry.stage.to_string(), stage);
        assert_eq!((queued.entry.op, &queued.trigger), (OpId(op), &trigger));
        assert!(decision.more);
    }
}

#[test]
fn only_a_run_without_a_trigger_is_held_against_the_schema_of_the_input() {
    assert!(matches!(begin(json!({}), None), Err(StartError::Input(_))));
    assert!(begin(json!({}), fired("hook")).is_ok());
    // The limits hold for all.
    let deep = (0..lattice_model::limits::JSON_DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
    let refused = begin(json!({"body": deep}), fired("hook"));
    assert!(matches!(refused, Err(StartError::InputTooDeep { .. })));
}

#[test]
fn a_trigger_that_is_gone_starts_nothing() {
    let refused = begin(json!({}), fired("old")).unwrap_err();
    assert_eq!(refused, StartError::NoTrigger(NodeId::new("old")));
}

#[test]
fn a_program_whose_triggers_do_not_hold_is_not_planned() {
    let refused = |change: &dyn Fn(&mut Program), text: &str| {
        let mut program = three_ways();
        change(&mut program);
        let errors = Plan::new(Arc::new(program)).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(
            said.iter().any(|line| line.contains(text)),
            "{text}: {said:?}"
        );
    };
    refused(
        &|program| program.triggers[0].entry = OpId(3),
        "`clock` that begins at an op",
    );
    refused(
        &|program| program.triggers[1].node = NodeId::new("clock"),
        "two triggers `clock`",
    );
    refused(
        &|program| program.triggers = vec![program.triggers[0].clone(); 21],
        "21 triggers, the limit is 20",
    );
    let hook = |program: &mut Program, change: fn(&mut Webhook)| {
        let TriggerKind::Webhook(webhook) = &mut program.triggers[1].on else {
            panic!("the second is a webhook");
        };
        change(webhook);
    };
    refused(
        &|program| hook(program, |webhook| webhook.methods.clear()),
        "`hook` that takes no method",
    );
    refused(
        &|program| hook(program, |webhook| webhook.schema = Some(json!({"type": 1}))),
        "`hook` that has a schema that cannot be used",
    );
    refused(
        &|program| {
            hook(program, |webhook| {
                let secret = String::new();
                webhook.authentication = WebhookAuth::StandardWebhooks { secret };
            });
        },
        "`hook` that names no secret",
    );
    refused(
        &|program| {
            hook(program, |webhook| {
                let (secret, header) = ("S".to_owned(), "X-Key".to_owned());
                webhook.authentication = WebhookAuth::ApiKey { secret, header };
            });
        },
        "not in lower case",
    );
}
