//! Webhooks that prove nothing, are old, come twice, or are not what they say.

use crate::is;
use crate::support::hooks::{self, github, hooked, keyed, standard};
use crate::support::{Ask, THERE, World, documents};
use lattice_model::limits::{BODY_BYTES_MAX, WEBHOOK_SKEW_MS_MAX};
use serde_json::{Value, json};

const BODY: &[u8] = br#"{"ref":"main", "n": 1}"#;
const UNPROVEN: (u16, &str) = (401, "LAT-A060");
const REPLAYED: (u16, &str) = (401, "LAT-A062");

/// What is wrong with each of these, and how it is refused.
fn wrong(path: &str, good: &Ask) -> Vec<(&'static str, Ask, (u16, &'static str))> {
    let signature = good.headers[1].1.clone();
    let with = |signature: &str| {
        let ask = good.clone().without("x-hub-signature-256");
        ask.header("x-hub-signature-256", signature)
    };
    let encoded = serde_json::from_slice::<Value>(BODY).unwrap().to_string();
    let typed = |kind: &str| {
        let ask = good.clone().without("content-type");
        ask.header("content-type", kind)
    };
    let mut put = good.clone();
    put.method = "PUT".to_owned();
    vec![
        (
            "unsigned",
            good.clone().without("x-hub-signature-256"),
            UNPROVEN,
        ),
        ("of no form", with("sha256=xyz"), UNPROVEN),
        (
            "of another body",
            with(&Ask::github(path, b"{}").headers[1].1),
            UNPROVEN,
        ),
        ("the secret itself", with(documents::SECRET), UNPROVEN),
        (
            "twice",
            good.clone().header("x-hub-signature-256", &signature),
            UNPROVEN,
        ),
        (
            "decoded and encoded again",
            good.clone().bytes(encoded),
            UNPROVEN,
        ),
        (
            "with a token instead",
            Ask::post(path, &json!({})),
            UNPROVEN,
        ),
        ("of another type", typed("text/plain"), (415, "LAT-A063")),
        (
            "of a form",
            typed("application/x-www-form-urlencoded"),
            (415, "LAT-A063"),
        ),
        (
            "of no type",
            good.clone().without("content-type"),
            (415, "LAT-A063"),
        ),
        (
            "no JSON",
            Ask::github(path, b"{\"ref\": "),
            (400, "LAT-A064"),
        ),
        (
            "too long",
            Ask::github(path, &vec![b' '; BODY_BYTES_MAX + 1]),
            (413, "LAT-A003"),
        ),
        ("by another method", put, (405, "LAT-A021")),
    ]
}

#[tokio::test]
async fn a_webhook_that_proves_nothing_starts_nothing() {
    let world = World::new();
    let path = world.hook(&github("signed")).await;
    let good = Ask::github(&path, BODY);
    for (name, ask, (status, code)) in wrong(&path, &good) {
        println!("{name}");
        let answer = world.tell(&ask).await;
        is(&answer, status, code);
        let allowed = if status == 405 { "POST" } else { "" };
        assert_eq!(answer.header("allow"), allowed);
        assert!(!answer.json().to_string().contains(documents::SECRET));
    }
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn a_webhook_that_is_proven_is_the_input_of_a_run() {
    let world = World::new();
    let path = world.hook(&github("signed")).await;
    let good = Ask::github(&path, BODY);
    let mut longest = BODY.to_vec();
    longest.resize(BODY_BYTES_MAX, b' ');
    assert_eq!(world.tell(&Ask::github(&path, &longest)).await.status, 202);
    let started = world
        .tell(&good.query("by", "shop").query("token", "t"))
        .await;
    assert_eq!(started.status, 202, "{started:?}");
    let run = started.json()["runId"].as_str().unwrap().to_owned();
    let log = world.log(&run).await;
    assert_eq!(log[0]["payload"]["trigger"]["node"], "hook");
    let state = Ask::get(&format!("/v1/runs/{run}/state")).query("seq", "1");
    let input = world.tell(&state).await.json()["input"].clone();
    assert_eq!(input["body"], json!({ "ref": "main", "n": 1 }));
    assert_eq!(input["query"], json!({ "by": "shop" }));
    assert!(!input.to_string().contains("sha256="), "{input}");
}

#[tokio::test]
async fn a_webhook_that_comes_again_starts_nothing_again() {
    let world = World::new();
    let path = world.hook(&standard("standard")).await;
    let now = world.now_s();
    let first = Ask::standard(&path, BODY, "msg_1", now);
    let started = world.tell(&first).await;
    assert_eq!(started.status, 202, "{started:?}");
    let run = started.json()["runId"].clone();
    let (replayed, replay) = REPLAYED;
    is(&world.tell(&first).await, replayed, replay);
    is(
        &world.tell(&first.clone().header("x-other", "1")).await,
        replayed,
        replay,
    );
    // Its sender did not hear the answer, and tries again.
    let again = Ask::standard(&path, BODY, "msg_1", now + 1).header("x-attempt", "2");
    let known = world.tell(&again).await;
    assert_eq!(known.status, 200);
    assert_eq!(known.json(), json!({ "runId": run, "known": true }));
    // Also if the body holds what is not stored.
    let secretive = br#"{"note":"ghp_0123456789abcdefghijABCDEFGHIJ456789"}"#;
    for (at, status) in [(now, 202), (now + 1, 200)] {
        let ask = Ask::standard(&path, secretive, "msg_0", at);
        assert_eq!(world.tell(&ask).await.status, status);
    }
    let other = Ask::standard(&path, b"{\"n\":2}", "msg_1", now + 1);
    is(&world.tell(&other).await, 409, "LAT-A041");
    let skew = WEBHOOK_SKEW_MS_MAX / 1_000;
    for (at, is_good) in [
        (now - skew - 1, false),
        (now - skew, true),
        (now + skew, true),
        (now + skew + 1, false),
    ] {
        let answer = world
            .tell(&Ask::standard(&path, BODY, &format!("at {at}"), at))
            .await;
        match is_good {
            true => assert_eq!(answer.status, 202, "{answer:?}"),
            false => is(&answer, 401, "LAT-A061"),
        }
    }
    let mut moved = Ask::standard(&path, BODY, "msg_2", now);
    moved = moved
        .without("webhook-timestamp")
        .header("webhook-timestamp", &(now + 1).to_string());
    is(&world.tell(&moved).await, 401, "LAT-A060");
    let at_once = Ask::standard(&path, BODY, "msg_3", now);
    let all = futures::future::join_all((0..8).map(|_| world.tell(&at_once))).await;
    let mut made: Vec<u16> = all.iter().map(|answer| answer.status).collect();
    made.sort_unstable();
    assert_eq!(made, [202, 401, 401, 401, 401, 401, 401, 401]);
    assert_eq!(world.runs().await, 5);
    // Where only the body is signed, the same body is the same delivery.
    let path = world.hook(&github("github")).await;
    let ask = Ask::github(&path, BODY).header("x-github-delivery", "one");
    assert_eq!(world.tell(&ask).await.status, 202);
    let ask = Ask::github(&path, BODY).header("x-github-delivery", "two");
    is(&world.tell(&ask).await, replayed, replay);
}

#[tokio::test]
async fn a_key_repeats_as_its_sender_says() {
    let world = World::new();
    let path = world.hook(&keyed("keyed")).await;
    let named = |body: &[u8]| Ask::keyed(&path, body).header("idempotency-key", "order 1");
    assert_eq!(world.tell(&named(BODY)).await.status, 202);
    assert_eq!(world.tell(&named(BODY)).await.status, 200);
    assert_eq!(
        world
            .tell(&named(BODY).header("x-attempt", "2"))
            .await
            .status,
        200
    );
    is(&world.tell(&named(b"[]")).await, 409, "LAT-A041");
    is(
        &world
            .tell(&named(BODY).header("idempotency-key", "x"))
            .await,
        400,
        "LAT-A007",
    );
    for _ in 0..2 {
        assert_eq!(world.tell(&Ask::keyed(&path, BODY)).await.status, 202);
    }
    let wrong = Ask::keyed(&path, BODY).without("x-api-key");
    is(&world.tell(&wrong).await, 401, "LAT-A060");
    is(
        &world.tell(&wrong.header("x-api-key", "")).await,
        401,
        "LAT-A060",
    );
    assert_eq!(world.runs().await, 3);
}

#[tokio::test]
async fn without_a_secret_nothing_is_taken() {
    let world = World::new();
    for (name, scheme) in [
        ("MISSING", "hmac-sha256"),
        ("EMPTY", "hmac-sha256"),
        ("EMPTY", "api-key"),
        ("HOOK", "standard-webhooks"),
    ] {
        let secret = format!("{{{{secret.{name}}}}}");
        let id = world.name("unset");
        let path = world
            .hook(&hooked(&id, &json!({ "type": scheme, "secret": secret })))
            .await;
        let now = world.now_s();
        for ask in [
            Ask::github(&path, BODY),
            Ask::standard(&path, BODY, "m", now),
            Ask::keyed(&path, BODY)
                .without("x-api-key")
                .header("x-api-key", ""),
        ] {
            is(&world.tell(&ask).await, 401, "LAT-A060");
        }
    }
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn a_body_that_the_webhook_does_not_want_is_refused() {
    let world = World::new();
    let mut document = github("schema");
    let settings = &mut document["nodes"][0]["settings"];
    settings["schema"] = json!({ "type": "object", "required": ["ref"] });
    let path = world.hook(&document).await;
    is(
        &world.tell(&Ask::github(&path, b"{}")).await,
        422,
        "LAT-A040",
    );
    assert_eq!(world.tell(&Ask::github(&path, BODY)).await.status, 202);
    let deep = format!("{{\"ref\":{}{}}}", "[".repeat(100), "]".repeat(100));
    is(
        &world.tell(&Ask::github(&path, deep.as_bytes())).await,
        400,
        "LAT-A064",
    );
}

#[tokio::test]
async fn a_webhook_is_gone_with_its_node_and_with_its_workflow() {
    let world = World::new();
    let path = world.hook(&github("going")).await;
    let ask = || Ask::github(&path, BODY);
    for path in [
        "/v1/hooks/tr_00000000000000000000000000",
        "/v1/hooks/x",
        "/v1/hooks/%20",
    ] {
        is(&world.tell(&Ask::github(path, BODY)).await, 404, "LAT-A024");
    }
    let etag = |saved: &crate::support::Answer| saved.header("etag").to_owned();
    // An address of another tenant's workflow is another address.
    let theirs = world.tell(&Ask::create(&github("going")).of(THERE)).await;
    assert_ne!(theirs.json()["hooks"][0]["path"], path);
    let without = world
        .tell(&Ask::replace(&documents::quick("going"), "*"))
        .await;
    assert_eq!(
        (without.status, &without.json()["hooks"]),
        (200, &json!([]))
    );
    is(&world.tell(&ask()).await, 404, "LAT-A024");
    let back = world
        .tell(&Ask::replace(&github("going"), &etag(&without)))
        .await;
    assert_eq!(back.json()["hooks"][0]["path"], path, "the address stays");
    assert_eq!(world.tell(&ask()).await.status, 202);
    let timed = world
        .tell(&Ask::replace(&hooks::timed("going", "rate(1 day)"), "*"))
        .await;
    assert_eq!(timed.status, 200, "{timed:?}");
    is(&world.tell(&ask()).await, 404, "LAT-A024");
    let back = world.tell(&Ask::replace(&github("going"), "*")).await;
    let delete = Ask::new("DELETE", "/v1/workflows/going").header("if-match", &etag(&back));
    assert_eq!(world.tell(&delete).await.status, 204);
    is(&world.tell(&ask()).await, 404, "LAT-A024");
    let hooks = world.tell(&Ask::get("/v1/hooks")).await.json();
    assert_eq!(hooks, json!({ "hooks": [] }));
}
