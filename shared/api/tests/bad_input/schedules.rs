//! Schedules: what the clock is told, and what a firing starts.

use crate::is;
use crate::support::hooks::{keyed, timed};
use crate::support::{Ask, World, documents};
use lattice_driver::{Fired, Started};
use lattice_model::{Millis, TriggerId};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

async fn listed(world: &World) -> Vec<Value> {
    let page = world.tell(&Ask::get("/v1/schedules")).await.json();
    page["schedules"].as_array().unwrap().clone()
}

/// The start that a firing made.
fn of(fired: Fired) -> Started {
    match fired {
        Fired::Started(started) => started,
        other => panic!("{other:?}"),
    }
}

async fn id(world: &World) -> TriggerId {
    TriggerId::new(listed(world).await[0]["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_firing_starts_one_run_however_often_it_comes() {
    let world = World::new();
    let saved = world
        .tell(&Ask::create(&timed("news", "rate(1 hour)")))
        .await;
    assert_eq!(
        saved.json()["schedules"][0]["nextAt"],
        "2025-06-15T16:06:40.000Z"
    );
    let id = id(&world).await;
    let noon = Millis::new(1_750_003_600_000);
    let (first, second) = tokio::join!(world.api.fire(&id, noon), world.api.fire(&id, noon));
    let (first, second) = (of(first.unwrap()), of(second.unwrap()));
    assert_eq!(first.run, second.run);
    assert_ne!(first.known, second.known);
    let later = of(world.api.fire(&id, noon.plus(3_600_000)).await.unwrap());
    assert!(!later.known && later.run != first.run);
    world.settle().await;
    let log = world.log(first.run.as_str()).await;
    let wanted = json!({ "node": "clock", "id": id, "at": noon });
    assert_eq!(log[0]["payload"]["trigger"], wanted);
    let run = world
        .tell(&Ask::get(&format!("/v1/runs/{}", first.run)))
        .await
        .json();
    assert_eq!(
        (&run["status"], &run["output"]),
        (&json!("completed"), &json!("news"))
    );
    // Saved with another input, the same moment is still the same firing.
    let mut changed = timed("news", "rate(1 hour)");
    changed["nodes"][0]["settings"]["input"] = json!({ "topic": "sports" });
    assert_eq!(world.tell(&Ask::replace(&changed, "*")).await.status, 200);
    let again = of(world.api.fire(&id, noon).await.unwrap());
    assert_eq!((again.run, again.known), (first.run, true));
    // A person's key is never the one of a firing.
    let key = format!("{id}\u{1f}{}", noon.get());
    let body = json!({ "workflowId": "news", "idempotencyKey": key });
    is(
        &world.tell(&Ask::post("/v1/runs", &body)).await,
        400,
        "LAT-A002",
    );
}

#[tokio::test]
async fn a_schedule_that_is_no_more_starts_nothing() {
    let world = World::new();
    world.store(&timed("news", "rate(1 hour)")).await;
    let id = id(&world).await;
    let fire = async || world.api.fire(&id, Millis::new(7)).await;
    let etag = world
        .tell(&Ask::replace(&documents::quick("news"), "*"))
        .await;
    assert_eq!(fire().await.unwrap_err().problem.code, "LAT-A024");
    assert!(world.schedules.workflows().is_empty() && listed(&world).await.is_empty());
    assert_eq!(etag.status, 200);
    let strange = world.api.fire(&TriggerId::new("x"), Millis::new(7)).await;
    assert_eq!(strange.unwrap_err().problem.status, 404);
    // A webhook does not fire by the clock.
    let path = world.hook(&keyed("hook")).await;
    let hook = TriggerId::new(path.rsplit('/').next().unwrap());
    let fired = world.api.fire(&hook, Millis::new(7)).await;
    assert_eq!(fired.unwrap_err().problem.status, 404);
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn a_schedule_that_stands_as_it_was_goes_on_from_where_it_began() {
    let world = World::new();
    let document = timed("news", "rate(1 hour)");
    world.store(&document).await;
    let before = listed(&world).await;
    world.clock.advance(600_000);
    let mut renamed = document.clone();
    renamed["name"] = json!("Another name");
    assert_eq!(world.tell(&Ask::replace(&renamed, "*")).await.status, 200);
    assert_eq!(listed(&world).await, before);
    assert_eq!(
        world
            .tell(&Ask::replace(&timed("news", "rate(2 hours)"), "*"))
            .await
            .status,
        200
    );
    let after = listed(&world).await;
    assert_eq!(after[0]["id"], before[0]["id"]);
    assert_eq!(after[0]["nextAt"], "2025-06-15T17:16:40.000Z");
    // What has been once is stored, listed, and not armed.
    let once = timed("news", "at(2025-06-15T15:00:00)");
    assert_eq!(world.tell(&Ask::replace(&once, "*")).await.status, 200);
    assert_eq!(listed(&world).await[0]["nextAt"], Value::Null);
    assert!(world.schedules.workflows().is_empty());
}

#[tokio::test]
async fn a_save_or_a_removal_that_broke_off_is_repeated() {
    let world = World::new();
    let away = |is_away| world.schedules.is_away.store(is_away, Ordering::SeqCst);
    let document = timed("news", "rate(1 hour)");
    away(true);
    let broken = world.tell(&Ask::create(&document)).await;
    is(&broken, 503, "LAT-A051");
    assert!(
        broken.json()["detail"]
            .as_str()
            .unwrap()
            .contains("is stored")
    );
    let etag = broken.header("etag").to_owned();
    assert!(world.schedules.workflows().is_empty());
    away(false);
    assert_eq!(
        world.tell(&Ask::replace(&document, &etag)).await.status,
        200
    );
    assert_eq!(world.schedules.workflows(), ["news"]);
    let delete = Ask::new("DELETE", "/v1/workflows/news").header("if-match", &etag);
    away(true);
    is(&world.tell(&delete).await, 503, "LAT-A051");
    assert_eq!(world.schedules.workflows(), ["news"]);
    away(false);
    is(&world.tell(&delete).await, 404, "LAT-A023");
    assert!(world.schedules.workflows().is_empty() && listed(&world).await.is_empty());
}

#[tokio::test]
async fn of_saves_at_the_same_time_the_triggers_are_those_of_the_newest() {
    let world = World::new();
    world.store(&documents::quick("news")).await;
    for round in 1..6 {
        let rate = timed("news", &format!("rate({round} hours)"));
        let quick = documents::quick("news");
        let saves = [Ask::replace(&rate, "*"), Ask::replace(&quick, "*")];
        let (one, other) = tokio::join!(world.tell(&saves[0]), world.tell(&saves[1]));
        assert!(
            one.status == 200 || other.status == 200,
            "{one:?} {other:?}"
        );
        let stands = world.tell(&Ask::get("/v1/workflows/news")).await.json();
        let is_timed = stands["document"]["name"] == "Timed";
        assert_eq!(listed(&world).await.len(), usize::from(is_timed));
        assert_eq!(world.schedules.workflows().len(), usize::from(is_timed));
    }
}
