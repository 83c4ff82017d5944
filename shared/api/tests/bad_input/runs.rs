//! What is told to runs: starts, answers, cancels.

use crate::is;
use crate::support::{Ask, THERE, World, count, documents};
use lattice_model::limits::KEY_CHARS_MAX;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Barrier;

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[tokio::test]
async fn one_key_is_one_run_however_often_it_is_sent() {
    let world = World::new();
    for id in ["asks", "other"] {
        world.store(&documents::asks(id)).await;
    }
    let body = json!({ "workflowId": "asks", "input": documents::input(), "idempotencyKey": "k" });
    let ask = Ask::post("/v1/runs", &body);
    let all = futures::future::join_all((0..8).map(|_| world.tell(&ask))).await;
    let made = all.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    let run = text(&all[0].json(), "runId").to_owned();
    for answer in &all {
        let known = answer.status == 200;
        assert_eq!(answer.json(), json!({ "runId": run, "known": known }));
        assert_eq!(answer.header("location"), format!("/v1/runs/{run}"));
    }
    for (name, value) in [
        ("input", json!({ "title": "Autumn" })),
        ("workflowId", json!("other")),
    ] {
        let mut body = body.clone();
        body[name] = value;
        is(
            &world.tell(&Ask::post("/v1/runs", &body)).await,
            409,
            "LAT-A041",
        );
    }
    world.settle().await;
    assert_eq!(
        world.tell(&ask).await.status,
        200,
        "also once the run is under way"
    );
    let runs = world.tell(&Ask::get("/v1/runs")).await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    // The keys of one tenant say nothing of another's.
    world
        .tell(&Ask::create(&documents::asks("asks")).of(THERE))
        .await;
    let theirs = world.tell(&ask.of(THERE)).await;
    assert_eq!(theirs.status, 201);
    assert_ne!(text(&theirs.json(), "runId"), run);
}

#[tokio::test]
async fn keys_are_printable_and_bounded() {
    let world = World::new();
    world.store(&documents::asks("asks")).await;
    let run = world.asking().await;
    let start = |key: &Value| {
        let body =
            json!({ "workflowId": "asks", "input": documents::input(), "idempotencyKey": key });
        Ask::post("/v1/runs", &body)
    };
    let signal = |key: &Value| {
        let mut body = documents::answer("Yes");
        body["idempotencyKey"] = key.clone();
        Ask::post(&format!("/v1/runs/{run}/signal"), &body)
    };
    let long = "k".repeat(KEY_CHARS_MAX + 1);
    for key in ["", " ", "k ", "ä", "a\nb", "a\u{0}b", &long].map(|key| json!(key)) {
        is(&world.tell(&start(&key)).await, 400, "LAT-A002");
        is(&world.tell(&signal(&key)).await, 400, "LAT-A002");
    }
    let longest = json!(long[1..]);
    assert_eq!(world.tell(&start(&longest)).await.status, 201);
    assert_eq!(world.tell(&signal(&longest)).await.status, 202);
}

#[tokio::test]
async fn inputs_that_do_not_fit_start_nothing() {
    let world = World::new();
    world.store(&documents::asks("asks")).await;
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for input in [
        json!({}),
        json!({ "title": 7 }),
        json!(null),
        json!({ "title": "x", "deep": deep }),
    ] {
        let body = json!({ "workflowId": "asks", "input": input });
        is(
            &world.tell(&Ask::post("/v1/runs", &body)).await,
            422,
            "LAT-A040",
        );
    }
    for (workflow, version) in [
        ("none", json!(null)),
        ("", json!(null)),
        ("asks", json!("0".repeat(64))),
    ] {
        let body =
            json!({ "workflowId": workflow, "version": version, "input": documents::input() });
        is(
            &world.tell(&Ask::post("/v1/runs", &body)).await,
            404,
            "LAT-A023",
        );
    }
    let body = json!({ "workflow": documents::asks("asks"), "input": documents::input() });
    is(
        &world.tell(&Ask::post("/v1/runs", &body)).await,
        400,
        "LAT-A002",
    );
    assert_eq!(
        world.tell(&Ask::get("/v1/runs")).await.json()["runs"],
        json!([])
    );
}

#[tokio::test]
async fn a_signal_counts_once_under_its_key_and_the_first_answer_stands() {
    let world = World::new();
    let run = world.asking().await;
    let signal = |key: &str, value: &str| {
        let mut body = documents::answer(value);
        body["idempotencyKey"] = json!(key);
        Ask::post(&format!("/v1/runs/{run}/signal"), &body)
    };
    let first = signal("first", "Yes");
    assert_eq!(world.tell(&first).await.json()["known"], false);
    let again = world.tell(&first).await;
    assert_eq!((again.status, &again.json()["known"]), (200, &json!(true)));
    // Not read yet, and still in the way of another answer.
    is(&world.tell(&signal("second", "No")).await, 409, "LAT-A044");
    world.settle().await;
    let over = world.tell(&first).await;
    assert_eq!(
        (over.status, &over.json()["known"]),
        (200, &json!(true)),
        "the run is over"
    );
    is(&world.tell(&signal("third", "No")).await, 409, "LAT-A042");
    let log = world.log(&run).await;
    assert_eq!(
        (count(&log, "signal.received"), count(&log, "run.completed")),
        (1, 1)
    );
    let run = world
        .tell(&Ask::get(&format!("/v1/runs/{run}")))
        .await
        .json();
    assert_eq!(
        (&run["status"], &run["output"]),
        (&json!("completed"), &json!(true))
    );
}

/// Asks a second question once the first is answered.
async fn asks_twice(world: &World) -> String {
    let mut document = documents::asks("twice");
    let mut sure = document["nodes"][1].clone();
    sure["id"] = json!("sure");
    document["nodes"].as_array_mut().unwrap().push(sure);
    document["edges"][1]["to"] = json!("sure");
    let behind = [
        json!({ "id": "e4", "from": "sure", "fromPort": "branch-0", "to": "end" }),
        json!({ "id": "e5", "from": "sure", "fromPort": "branch-1", "to": "no" }),
    ];
    document["edges"].as_array_mut().unwrap().extend(behind);
    world.store(&document).await;
    world.start("twice").await
}

#[tokio::test]
async fn one_key_does_not_answer_two_questions() {
    let world = World::new();
    let run = asks_twice(&world).await;
    let signal = |key: &str, node: &str, value: &str| {
        let body = json!({ "node": node, "value": value, "idempotencyKey": key });
        Ask::post(&format!("/v1/runs/{run}/signal"), &body)
    };
    let first = signal("k", "ok", "Yes");
    assert_eq!(world.tell(&first).await.status, 202);
    // Unread, read, and after the end: another value or node is another answer.
    for carried_on in [false, true] {
        if carried_on {
            world.settle().await;
        }
        for other in [signal("k", "ok", "No"), signal("k", "sure", "Yes")] {
            let refused = world.tell(&other).await;
            is(&refused, 409, "LAT-A041");
            assert!(
                text(&refused.json(), "detail").contains(&run),
                "{refused:?}"
            );
        }
        assert_eq!(world.tell(&first).await.status, 200);
    }
    let waits = world.tell(&Ask::get("/v1/waits")).await.json();
    assert_eq!(text(&waits["waits"][0], "node"), "sure", "still asked");
    assert_eq!(world.tell(&signal("l", "sure", "Yes")).await.status, 202);
    world.settle().await;
    let log = world.log(&run).await;
    let ends = (count(&log, "signal.received"), count(&log, "run.completed"));
    assert_eq!(ends, (2, 1));
    is(
        &world.tell(&signal("l", "ok", "Yes")).await,
        409,
        "LAT-A041",
    );
    assert_eq!(world.tell(&first).await.status, 200, "the run is over");
}

/// Two callers that look at once both find the key free: the one who comes second is not told that
/// the answer of the first is theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_answers_under_one_key_at_once_the_other_is_refused() {
    let world = World::new();
    world.store(&documents::asks("asks")).await;
    for _ in 0..200 {
        let run = world.start("asks").await;
        let ready = Arc::new(Barrier::new(2));
        let tell = |value: &str| {
            let mut body = documents::answer(value);
            body["idempotencyKey"] = json!("k");
            let ask = Ask::post(&format!("/v1/runs/{run}/signal"), &body);
            let (world, ready) = (Arc::clone(&world), Arc::clone(&ready));
            tokio::spawn(async move {
                ready.wait().await;
                world.send(&ask).await
            })
        };
        let (yes, no) = tokio::try_join!(tell("Yes"), tell("No")).unwrap();
        let mut both = [yes, no];
        both.sort_by_key(|answer| answer.status);
        assert_eq!(both[0].status, 202, "{both:?}");
        is(&both[1], 409, "LAT-A041");
    }
}

#[tokio::test]
async fn answers_that_are_none_leave_the_question_open() {
    let world = World::new();
    let run = world.asking().await;
    let path = format!("/v1/runs/{run}/signal");
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    for value in [json!("Maybe"), json!(null), json!([]), json!(9), deep] {
        let body = json!({ "node": "ok", "value": value });
        is(&world.tell(&Ask::post(&path, &body)).await, 422, "LAT-A045");
    }
    for node in ["end", "nothing", "", "ä"] {
        let body = json!({ "node": node, "value": "Yes" });
        is(&world.tell(&Ask::post(&path, &body)).await, 422, "LAT-A043");
    }
    world.settle().await;
    let waits = world.tell(&Ask::get("/v1/waits")).await.json();
    assert_eq!(text(&waits["waits"][0], "runId"), run);
    assert_eq!(count(&world.log(&run).await, "signal.received"), 0);
    world.answer(&run).await;
    assert_eq!(
        world.tell(&Ask::get("/v1/waits")).await.json()["waits"],
        json!([])
    );
}

/// What stands in an event has to fit into one: a run whose next commit is too large stands still.
#[tokio::test]
async fn texts_too_long_for_an_event_do_not_stop_a_run() {
    let world = World::new();
    let run = world.asking().await;
    let mut signal = documents::answer("Yes");
    signal["wait"] = json!("w".repeat(400_000));
    let signal = Ask::post(&format!("/v1/runs/{run}/signal"), &signal);
    is(&world.tell(&signal).await, 400, "LAT-A002");
    let cancel = |chars: usize| {
        let body = json!({ "reason": "ä".repeat(chars) });
        Ask::post(&format!("/v1/runs/{run}/cancel"), &body)
    };
    is(&world.tell(&cancel(2_001)).await, 400, "LAT-A002");
    is(&world.tell(&cancel(400_000)).await, 400, "LAT-A002");
    assert_eq!(world.tell(&cancel(2_000)).await.status, 202);
    world.settle().await;
    assert_eq!(count(&world.log(&run).await, "run.cancelled"), 1);
}

#[tokio::test]
async fn a_run_is_cancelled_once_and_not_after_its_end() {
    let world = World::new();
    let run = world.asking().await;
    let cancel = Ask::new("POST", &format!("/v1/runs/{run}/cancel"));
    for _ in 0..2 {
        assert_eq!(world.tell(&cancel).await.status, 202);
    }
    world.settle().await;
    let again = world.tell(&cancel).await;
    assert_eq!((again.status, &again.json()["known"]), (200, &json!(true)));
    let log = world.log(&run).await;
    assert_eq!(
        (
            count(&log, "cancel.requested"),
            count(&log, "run.cancelled")
        ),
        (1, 1)
    );
    let signal = Ask::post(&format!("/v1/runs/{run}/signal"), &documents::answer("Yes"));
    is(&world.tell(&signal).await, 409, "LAT-A042");
    let run = world.completed().await;
    for behind in ["cancel", "resume"] {
        let ask = Ask::new("POST", &format!("/v1/runs/{run}/{behind}"));
        is(&world.tell(&ask).await, 409, "LAT-A042");
    }
    let shown = world
        .tell(&Ask::get(&format!("/v1/runs/{run}")))
        .await
        .json();
    assert_eq!(shown["status"], "completed");
}
