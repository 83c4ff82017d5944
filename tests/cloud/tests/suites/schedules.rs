//! Schedules as EventBridge Scheduler keeps them.

use crate::bench::{Place, runtime};
use aws_sdk_scheduler::Client;
use lattice_aws::ScheduleSettings;
use lattice_ir::{Missed, Overlap, Payload, Schedule, TriggerKind, Webhook, WebhookAuth};
use lattice_model::{NodeId, Tenant, TriggerId, WorkflowId};
use lattice_ports::suites::sample::NOON;
use lattice_ports::{FiringNote, Pause, PortError, Schedules, TriggerRow};
use serde_json::{Value, json};

fn row(on: TriggerKind) -> TriggerRow {
    TriggerRow {
        id: TriggerId::new("tr_0123456789abcdefghjkmnpqrs"),
        tenant: Tenant::local(),
        workflow: WorkflowId::new("w"),
        node: NodeId::new("clock"),
        on,
        stored_at: NOON,
        pause: None,
        note: FiringNote::default(),
    }
}

fn schedule(expression: &str, timezone: &str) -> TriggerKind {
    TriggerKind::Schedule(Schedule {
        expression: expression.to_owned(),
        timezone: timezone.to_owned(),
        input: json!({"n": 1}),
        overlap: Overlap::default(),
        missed: Missed::default(),
    })
}

fn settings(place: &Place) -> ScheduleSettings {
    ScheduleSettings {
        group: place.name.clone(),
        role_arn: "arn:aws:iam::000000000000:role/fires".to_owned(),
        start_arn: "arn:aws:lambda:us-east-1:000000000000:function:start".to_owned(),
        dead_letter_arn: Some("arn:aws:sqs:us-east-1:000000000000:dead".to_owned()),
    }
}

async fn with_group() -> (Place, Client) {
    let place = Place::bare();
    let client = Client::new(place.clients.sdk());
    let create = client.create_schedule_group().name(&place.name);
    create.send().await.unwrap();
    place.clients.counter().reset();
    (place, client)
}

async fn names(client: &Client, group: &str) -> Vec<String> {
    let listed = client
        .list_schedules()
        .group_name(group)
        .send()
        .await
        .unwrap();
    let names = listed.schedules.iter().filter_map(|it| it.name.clone());
    names.collect()
}

/// Armed as the row says, armed anew as it says now, and gone; each as often as one likes.
#[test]
fn a_schedule_is_what_its_row_says() {
    runtime().block_on(async {
        let (place, client) = with_group().await;
        let schedules = place.clients.schedules(settings(&place));
        let id = row(schedule("rate(1 hours)", "UTC")).id;
        for (expression, timezone) in [
            ("rate(1 hours)", "UTC"),
            ("rate(1 hours)", "UTC"),
            ("cron(0 9 ? * 2-6 *)", "Europe/Berlin"),
        ] {
            let armed = schedules.arm(&row(schedule(expression, timezone))).await;
            armed.unwrap();
            let get = client.get_schedule().group_name(&place.name);
            let stored = get.name(id.as_str()).send().await.unwrap();
            assert_eq!(stored.schedule_expression.as_deref(), Some(expression));
            assert_eq!(
                stored.schedule_expression_timezone.as_deref(),
                Some(timezone)
            );
            let target = stored.target.unwrap();
            assert_eq!((target.arn, target.role_arn), {
                let settings = settings(&place);
                (settings.start_arn, settings.role_arn)
            });
            let input: Value = serde_json::from_str(&target.input.unwrap()).unwrap();
            let moment = "<aws.scheduler.scheduled-time>";
            let expected =
                json!({"source": "lattice.schedule", "trigger": id.as_str(), "at": moment});
            assert_eq!(input, expected);
            assert!(target.dead_letter_config.is_some() && target.retry_policy.is_some());
        }
        assert_eq!(names(&client, &place.name).await, [id.as_str()]);
        for _ in 0..2 {
            schedules.disarm(&id).await.unwrap();
            assert!(names(&client, &place.name).await.is_empty());
        }
    });
}

/// One that rests is disabled, and one that makes up for missed moments is tried for a day.
#[test]
fn a_rest_and_what_is_missed_are_told_to_eventbridge() {
    runtime().block_on(async {
        let (place, client) = with_group().await;
        let schedules = place.clients.schedules(settings(&place));
        let stored = async || {
            let get = client.get_schedule().group_name(&place.name);
            let name = row(schedule("rate(1 hours)", "UTC")).id;
            let stored = get.name(name.as_str()).send().await.unwrap();
            let retry = stored.target.unwrap().retry_policy.unwrap();
            let state = stored.state.unwrap().as_str().to_owned();
            (
                state,
                retry.maximum_event_age_in_seconds,
                retry.maximum_retry_attempts,
            )
        };
        let told = |state: &str, seconds, retries| (state.to_owned(), Some(seconds), Some(retries));
        let mut row = row(schedule("rate(1 hours)", "UTC"));
        schedules.arm(&row).await.unwrap();
        assert_eq!(stored().await, told("ENABLED", 3_600, 20));
        if let TriggerKind::Schedule(schedule) = &mut row.on {
            schedule.missed = Missed::Once;
        }
        for (until, state) in [(None, "DISABLED"), (Some(NOON), "ENABLED")] {
            row.pause = Some(Pause { since: NOON, until });
            schedules.arm(&row).await.unwrap();
            assert_eq!(stored().await, told(state, 86_400, 185));
        }
        // One that is stored while it rests never begins.
        schedules.disarm(&row.id).await.unwrap();
        row.pause = Some(Pause {
            since: NOON,
            until: None,
        });
        schedules.arm(&row).await.unwrap();
        assert_eq!(stored().await.0, "DISABLED");
    });
}

/// A trigger that became a webhook does not fire any more.
#[test]
fn a_webhook_is_not_armed() {
    runtime().block_on(async {
        let (place, client) = with_group().await;
        let schedules = place.clients.schedules(settings(&place));
        schedules
            .arm(&row(schedule("rate(1 hours)", "UTC")))
            .await
            .unwrap();
        let webhook = TriggerKind::Webhook(Webhook {
            authentication: WebhookAuth::StandardWebhooks {
                secret: "HOOK".to_owned(),
            },
            methods: vec!["POST".to_owned()],
            payload: Payload::Json,
            schema: None,
        });
        schedules.arm(&row(webhook)).await.unwrap();
        assert!(names(&client, &place.name).await.is_empty());
    });
}

/// A group that nobody made is named with the setting that names it.
#[test]
fn a_group_that_is_not_there_is_named() {
    runtime().block_on(async {
        let place = Place::bare();
        let schedules = place.clients.schedules(settings(&place));
        let armed = schedules.arm(&row(schedule("rate(1 hours)", "UTC"))).await;
        let error = armed.unwrap_err();
        assert!(matches!(error, PortError::Missing { .. }), "{error}");
        assert!(
            error.to_string().contains("LATTICE_SCHEDULE_GROUP"),
            "{error}"
        );
    });
}
