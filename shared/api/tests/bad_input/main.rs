//! Bad and repeated requests: a clear problem, nothing lost, nothing twice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod hooks;
mod policies;
mod rests;
mod runs;
mod schedules;
#[path = "../support/mod.rs"]
mod support;
mod workflows;

use lattice_model::limits::{BODY_BYTES_MAX, DOCUMENT_BYTES_MAX};
use serde_json::{Value, json};
use support::{Answer, Ask, World, documents};

/// The largest number that every reader of JSON keeps exactly.
const LARGEST: u64 = (1 << 53) - 1;

/// Whether a request was refused with this status and code.
fn is(answer: &Answer, status: u16, code: &str) {
    let found = (answer.status, answer.code());
    assert_eq!(found, (status, code.to_owned()), "{answer:?}");
}

#[tokio::test]
async fn a_place_in_a_log_that_is_no_number_or_is_not_there_is_refused() {
    let world = World::new();
    let (live, over) = (world.asking().await, world.completed().await);
    let wrong = [
        "-1",
        "+1",
        "1.0",
        "1e3",
        "x",
        "",
        " 1",
        "0x1",
        "99999999999999999999",
    ];
    for run in [&live, &over] {
        for (behind, name) in [
            ("events", "lastSeq"),
            ("stream", "lastSeq"),
            ("state", "seq"),
        ] {
            let ask = Ask::get(&format!("/v1/runs/{run}/{behind}"));
            for value in wrong {
                is(
                    &world.tell(&ask.clone().query(name, value)).await,
                    400,
                    "LAT-A006",
                );
            }
        }
        for value in wrong.into_iter().filter(|value| !value.trim().is_empty()) {
            let ask = Ask::get(&format!("/v1/runs/{run}/stream"));
            // Blanks around a header's value are not part of it.
            if value.trim() == value {
                is(
                    &world.tell(&ask.header("last-event-id", value)).await,
                    400,
                    "LAT-A007",
                );
            }
        }
    }
    let last = |log: Vec<Value>| log.len() as u64;
    let (live_last, over_last) = (last(world.log(&live).await), last(world.log(&over).await));
    for beyond in [1, 1_000_000_000, LARGEST - live_last.max(over_last)] {
        for (run, last) in [(&live, live_last), (&over, over_last)] {
            let seq = (last + beyond).to_string();
            let get = |behind| Ask::get(&format!("/v1/runs/{run}/{behind}"));
            let events = get("events").query("lastSeq", &seq);
            is(&world.tell(&events).await, 409, "LAT-A046");
            is(
                &world.tell(&get("state").query("seq", &seq)).await,
                409,
                "LAT-A046",
            );
            let stream = world.tell(&get("stream").query("lastSeq", &seq)).await;
            match run == &over {
                true => assert_eq!((stream.status, stream.body.len()), (204, 0)),
                false => is(&stream, 409, "LAT-A046"),
            }
        }
    }
    // What stands at the very end is no mistake.
    for (run, last, over) in [(&live, live_last, false), (&over, over_last, true)] {
        let ask = Ask::get(&format!("/v1/runs/{run}/events"));
        let page = world
            .tell(&ask.query("lastSeq", &last.to_string()))
            .await
            .json();
        let wanted = json!({ "events": [], "lastSeq": last, "more": false, "over": over });
        assert_eq!(page, wanted);
    }
}

#[tokio::test]
async fn a_run_that_is_not_there_is_so_everywhere() {
    let world = World::new();
    for run in ["run_00000000000000000000000000", "run_x", "x", "%20"] {
        for behind in ["", "/state", "/events", "/stream"] {
            let asked = world
                .tell(&Ask::get(&format!("/v1/runs/{run}{behind}")))
                .await;
            is(&asked, 404, "LAT-A022");
        }
        for (behind, body) in [("signal", documents::answer("Yes")), ("cancel", json!({}))] {
            let ask = Ask::post(&format!("/v1/runs/{run}/{behind}"), &body);
            is(&world.tell(&ask).await, 404, "LAT-A022");
        }
    }
}

#[tokio::test]
async fn bodies_of_one_byte_too_many_are_refused_and_those_of_the_last_byte_are_not() {
    let world = World::new();
    world.store(&documents::asks("asks")).await;
    let start = Ask::post(
        "/v1/runs",
        &json!({ "workflowId": "asks", "input": documents::input() }),
    );
    let long = start.clone().padded(BODY_BYTES_MAX + 1);
    is(&world.tell(&long).await, 413, "LAT-A003");
    is(&world.tell(&long.chunked()).await, 413, "LAT-A003");
    assert_eq!(
        world
            .tell(&start.clone().padded(BODY_BYTES_MAX))
            .await
            .status,
        201
    );
    let create = Ask::create(&documents::asks("large"));
    let long = create.clone().padded(DOCUMENT_BYTES_MAX + 1);
    is(&world.tell(&long).await, 413, "LAT-A003");
    is(&world.tell(&long.chunked()).await, 413, "LAT-A003");
    is(
        &world.tell(&Ask::get("/v1/workflows/large")).await,
        404,
        "LAT-A023",
    );
    assert_eq!(
        world.tell(&create.padded(DOCUMENT_BYTES_MAX)).await.status,
        201
    );
    let truncated = start.text()[..start.text().len() - 2].to_vec();
    is(&world.tell(&start.bytes(truncated)).await, 400, "LAT-A001");
    let runs = world.tell(&Ask::get("/v1/runs")).await.json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
}
