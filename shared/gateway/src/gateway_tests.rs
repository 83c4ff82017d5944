//! Events as Lambda hands them over, through one function's share, over the memory adapters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "tests/support.rs"]
mod support;

use super::*;
use crate::fired::{Fired, FiredAnswer};
use http_body_util::BodyExt;
use lambda_http::request::from_str;
use lattice_api::StreamSettings;
use lattice_model::Tenant;
use lattice_ports::{RunFilter, RunIndex};
use lattice_wire::sse::HEARTBEAT;
use lattice_wire::{In, Method as WireMethod};
use serde_json::json;
use std::time::Duration;
use support::{Mode, World, document, event, hook_document, put, sign, token};
use tokio::time::Instant;

#[test]
fn every_route_is_served_by_one_function_and_no_other() {
    for route in ROUTES {
        let has_name = route.params.iter().any(|param| param.at == In::Path);
        let path: Vec<&str> = route
            .path
            .split('/')
            .map(|segment| match segment.starts_with('{') {
                true => "x1",
                false => segment,
            })
            .collect();
        let path = path.join("/");
        assert_eq!(has_name, path != route.path, "{path}");
        let method: Method = route.method.as_str().parse().unwrap();
        for function in Function::ALL {
            let served = serves(function, &method, &path);
            assert_eq!(
                served,
                function == route.function,
                "{function:?} {method} {path}"
            );
            if route.method == WireMethod::Get {
                assert_eq!(serves(function, &Method::HEAD, &path), served);
            }
        }
        assert!(!serves(route.function, &method, &format!("{path}/a/b/c")));
    }
    // A method that the path does not take is answered by whoever serves the path.
    assert!(serves(Function::Compile, &Method::PUT, "/v1/health"));
    assert!(!serves(Function::Signal, &Method::PUT, "/v1/health"));
    assert!(!serves(Function::Signal, &Method::GET, "/v1/runs//events"));
}

#[tokio::test]
async fn the_events_that_come_with_the_repository_reach_their_functions() {
    let world = World::new();
    for (file, function, status) in [
        ("compile-health", Function::Compile, 200),
        ("compile-document", Function::Compile, 401),
        ("start-put-workflow", Function::Start, 401),
        ("start-run", Function::Start, 401),
        ("start-hook", Function::Start, 404),
        ("signal-list-runs", Function::Signal, 401),
        ("signal-cancel", Function::Signal, 401),
        ("stream", Function::Stream, 401),
        ("signal-list-runs", Function::Compile, 404),
        ("compile-health", Function::Stream, 404),
    ] {
        let (found, body) = world.send(function, &event(file)).await;
        assert_eq!(found, status, "{file} to {function:?}: {body}");
    }
}

#[tokio::test]
async fn a_workflow_is_stored_and_started_by_one_function_and_read_by_another() {
    let world = World::new();
    let (status, body) = world.send(Function::Start, &put(&world, &document())).await;
    assert_eq!(status, 201, "{body}");
    let mut start = event("start-run");
    start["headers"]["authorization"] = json!(token(&world, "acme", "runs:write"));
    let (status, body) = world.send(Function::Start, &start).await;
    assert_eq!(status, 201, "{body}");
    let (again, same) = world.send(Function::Start, &start).await;
    assert_eq!((again, &same["runId"]), (200, &body["runId"]));
    let mut list = event("signal-list-runs");
    list["headers"]["authorization"] = json!(token(&world, "acme", "runs:read"));
    let (status, page) = world.send(Function::Signal, &list).await;
    assert_eq!(
        (status, &page["runs"][0]["runId"]),
        (200, &body["runId"]),
        "{page}"
    );
    // Another tenant sees none of it, and a token without the scope nothing at all.
    list["headers"]["authorization"] = json!(token(&world, "rival", "runs:read"));
    let (_, page) = world.send(Function::Signal, &list).await;
    assert_eq!(page["runs"], json!([]));
    list["headers"]["authorization"] = json!(token(&world, "acme", "runs:write"));
    assert_eq!(world.send(Function::Signal, &list).await.0, 403);
}

#[tokio::test]
async fn what_another_function_serves_is_not_done_here() {
    let world = World::new();
    let put = put(&world, &document());
    for function in [Function::Compile, Function::Signal, Function::Stream] {
        assert_eq!(world.send(function, &put).await.0, 404);
    }
    let (_, body) = world.send(Function::Start, &put).await;
    assert_eq!(body["workflow"]["id"], "quick", "{body}");
    let mut start = event("start-run");
    start["headers"]["authorization"] = json!(token(&world, "acme", "runs:write"));
    assert_eq!(world.send(Function::Signal, &start).await.0, 404);
    let filter = RunFilter {
        limit: 10,
        ..RunFilter::default()
    };
    assert!(world.store().heads(filter).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_webhook_is_proven_by_the_very_bytes_that_were_sent() {
    let world = World::new();
    let (status, saved) = world
        .send(Function::Start, &put(&world, &hook_document()))
        .await;
    assert_eq!(status, 201, "{saved}");
    let path = world.hook_path().await;
    let sent = "{\"ref\":  \"main\",\r\n\t\"note\": \"caf\u{e9} \u{1f600}\" }\n".as_bytes();
    let encoded = support::base64(sent);
    let mut hook = event("start-hook");
    hook["rawPath"] = json!(path);
    hook["headers"]["x-hub-signature-256"] = json!(sign(sent));
    hook["body"] = json!(encoded);
    // The same meaning in other bytes is something else.
    let mut other = hook.clone();
    other["body"] = json!(support::base64(br#"{"ref":"main"}"#));
    assert_eq!(world.send(Function::Start, &other).await.0, 401);
    let (status, body) = world.send(Function::Start, &hook).await;
    assert_eq!(status, 202, "{body}");
    // As a text, as gateways send what declares itself as JSON.
    let text = "{\"ref\": \"caf\u{e9}\"}";
    hook["isBase64Encoded"] = json!(false);
    hook["body"] = json!(text);
    hook["headers"]["x-hub-signature-256"] = json!(sign(text.as_bytes()));
    let (status, body) = world.send(Function::Start, &hook).await;
    assert_eq!(status, 202, "{body}");
    hook["headers"]["content-type"] = json!("text/plain");
    assert_eq!(world.send(Function::Start, &hook).await.0, 415);
}

#[tokio::test]
async fn a_body_over_the_limit_and_one_at_it() {
    let world = World::new();
    let most = lattice_model::limits::DOCUMENT_BYTES_MAX;
    for (bytes, expected) in [(most, 422), (most + 1, 413)] {
        let mut put = put(&world, &document());
        put["body"] = json!(format!("\"{}\"", "x".repeat(bytes - 2)));
        let (status, body) = world.send(Function::Start, &put).await;
        assert!([expected, 400].contains(&status), "{status} {body}");
        assert_eq!(status == 413, expected == 413, "{body}");
    }
}

#[tokio::test]
async fn what_breaks_or_hangs_is_told_as_a_problem() {
    let world = World::new();
    world.send(Function::Start, &put(&world, &document())).await;
    let mut start = event("start-run");
    start["headers"]["authorization"] = json!(token(&world, "acme", "runs:write"));
    world.queue.set(Mode::Panics);
    let (status, body) = world.send(Function::Start, &start).await;
    assert_eq!((status, &body["status"]), (500, &json!(500)), "{body}");
    world.queue.set(Mode::Hangs);
    start["body"] = json!(json!({"workflowId": "quick", "input": {}}).to_string());
    let began = Instant::now();
    let (status, body) = world.send_until(Function::Start, &start, 2_000).await;
    assert_eq!(body["status"], json!(status), "{body}");
    assert_eq!(body["code"], json!(SLOW.id), "{body}");
    assert!(began.elapsed() < Duration::from_secs(2));
    world.queue.set(Mode::Works);
    let (status, body) = world.send(Function::Start, &start).await;
    assert_eq!(status, 201, "{body}");
}

#[tokio::test]
async fn a_schedule_that_fires_starts_one_run_for_each_moment() {
    let world = World::new();
    world
        .send(Function::Start, &put(&world, &hook_document()))
        .await;
    let trigger = world.schedule_id().await;
    let fired = |at: &str| -> Fired {
        let event = json!({ "source": "lattice.schedule", "trigger": trigger, "at": at });
        serde_json::from_value(event).unwrap()
    };
    let api = world.gateway(Function::Start).api().clone();
    let first = fired("2026-11-22T10:00:00Z").start(&api).await.unwrap();
    assert!(first.run_id.is_some() && !first.known);
    let again = fired("2026-11-22T10:00:00Z").start(&api).await.unwrap();
    assert_eq!((again.run_id, again.known), (first.run_id.clone(), true));
    let next = fired("2026-11-22T10:15:00Z").start(&api).await.unwrap();
    assert_ne!(next.run_id, first.run_id);
    // A trigger that is no more is done with; what another delivery may mend is an error.
    let gone: Fired = serde_json::from_value(event("start-schedule")).unwrap();
    let none = FiredAnswer {
        outcome: "gone".to_owned(),
        run_id: None,
        known: false,
    };
    assert_eq!(gone.start(&api).await, Ok(none));
    assert!(fired("soon").start(&api).await.is_err());
    // No request is mistaken for one.
    for file in ["start-run", "sweep", "step-batch"] {
        assert!(serde_json::from_value::<Fired>(event(file)).is_err());
    }
}

/// How late a machine at work may be.
const SLACK: Duration = Duration::from_millis(1_500);

/// Reads a whole answer as the runtime does, which goes on when the client has left.
async fn drain(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_stream_ends_by_itself_also_when_nobody_reads_it_any_more() {
    let (least, most) = (Duration::from_millis(500), Duration::from_millis(700));
    let world = World::with(StreamSettings {
        life_ms: (500, 700),
        heartbeat_ms: 100,
        poll_ms: 20,
        ..StreamSettings::default()
    });
    let run = world.waiting_run().await;
    let mut watch = event("stream");
    watch["rawPath"] = json!(format!("/v1/runs/{run}/stream"));
    let (status, _) = world.send(Function::Stream, &watch).await;
    assert_eq!(status, 401);
    watch["headers"]["authorization"] = json!(token(&world, "acme", "runs:read"));
    let response = world.open(Function::Stream, &watch).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let began = Instant::now();
    let text = drain(response).await;
    let took = began.elapsed();
    assert!(
        text.contains("run.queued") && text.contains("wait.opened"),
        "{text}"
    );
    // Silence is broken by comments until the answer's own time is over.
    let beats = text.matches(HEARTBEAT).count();
    assert!((2..=7).contains(&beats), "{beats}");
    assert!((least..most + SLACK).contains(&took), "{took:?}");
    // It resumes where it was: nothing comes twice.
    let last_id = text
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("id: "));
    watch["rawQueryString"] = json!(format!("lastSeq={}", last_id.unwrap()));
    let began = Instant::now();
    let text = drain(world.open(Function::Stream, &watch).await).await;
    assert!(!text.contains("id: ") && text.contains(HEARTBEAT), "{text}");
    assert!((least..most + SLACK).contains(&began.elapsed()));
}

#[tokio::test]
async fn the_path_is_taken_without_the_name_of_a_stage_and_the_query_as_it_came() {
    let world = World::new();
    let mut health = event("compile-health");
    health["requestContext"]["stage"] = json!("prod");
    assert_eq!(world.send(Function::Compile, &health).await.0, 200);
    let mut list = event("signal-list-runs");
    list["headers"]["authorization"] = json!(token(&world, "acme", "runs:read"));
    list["rawQueryString"] = json!("limit=2&limit=3");
    assert_eq!(world.send(Function::Signal, &list).await.0, 400);
    list["rawQueryString"] = json!("nonsense=1");
    let (status, body) = world.send(Function::Signal, &list).await;
    assert!(status == 400 && body["detail"].as_str().unwrap().contains("nonsense"));
    for odd in [
        "/v1/workflows/a%20b",
        "/v1/workflows/a b",
        "/v1/workflows/\u{e9}",
        "/%",
        "//",
        "",
    ] {
        list["rawPath"] = json!(odd);
        list["rawQueryString"] = json!("");
        let (status, _) = world.send(Function::Start, &list).await;
        assert!([400, 401, 403, 404].contains(&status), "{odd}: {status}");
    }
}

#[tokio::test]
async fn the_head_of_what_may_be_got_comes_without_a_body() {
    let world = World::new();
    let mut health = event("compile-health");
    health["requestContext"]["http"]["method"] = json!("HEAD");
    let response = world.open(Function::Compile, &health).await;
    assert_eq!(response.status(), 200);
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn requests_are_counted_by_operation_and_status() {
    let world = World::new();
    world
        .send_untold(Function::Signal, &event("signal-list-runs"))
        .await;
    world
        .send_untold(Function::Compile, &event("compile-health"))
        .await;
    let counted = world.metrics().fresh().requests;
    assert_eq!(counted, [("health", 200, 1), ("listRuns", 401, 1)]);
    assert!(world.metrics().fresh().requests.is_empty());
    assert_eq!(world.tenant(), "acme".parse::<Tenant>().unwrap());
}

#[test]
fn an_event_becomes_a_request_with_all_that_it_brought() {
    let text = event("start-run").to_string();
    let request = convert(from_str(&text).unwrap()).unwrap();
    assert_eq!(
        (request.method(), request.uri().path()),
        (&Method::POST, "/v1/runs")
    );
    let headers = request.headers();
    assert_eq!(headers["content-type"], "application/json");
    assert!(
        headers["traceparent"]
            .to_str()
            .unwrap()
            .starts_with("00-4bf9")
    );
}
