//! Pauses of schedules, moments that were missed, and processes that end between a firing and its start.

use crate::bench::{BEGAN, Bench, HOUR, asks, hour};
use crate::is;
use crate::support::{Ask, World};
use futures::FutureExt;
use lattice_driver::Fired;
use lattice_local::LocalSchedules;
use lattice_model::Millis;
use lattice_ports::memory::ManualClock;
use lattice_ports::{Schedules, Triggers};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a_pause_outlives_saves_and_goes_with_the_trigger() {
    let bench = Bench::new(json!({ "overlap": "queue" })).await;
    let first = bench.run(1).await;
    assert!(matches!(bench.fire(2).await, Fired::Waits { .. }));
    let paused = bench.act("pause").await;
    assert_eq!(paused["pausedAt"], hour(2));
    assert_eq!(
        (
            &paused["nextAt"],
            &paused["waitingAt"],
            &paused["lastSkipped"]
        ),
        (&Value::Null, &Value::Null, &json!(hour(2)))
    );
    bench.world.clock.advance(HOUR);
    assert_eq!(bench.act("pause").await["pausedAt"], hour(2));
    // Saved again, and with another expression: it rests.
    for expression in ["rate(1 hour)", "rate(2 hours)", "rate(1 hour)"] {
        let document = asks(&json!({ "overlap": "queue", "expression": expression }));
        let saved = bench.world.tell(&Ask::replace(&document, "*")).await;
        assert_eq!(saved.json()["schedules"][0]["pausedAt"], hour(2));
        assert_eq!(bench.world.schedules.paused(), [true]);
    }
    bench.end(&first).await;
    assert_eq!(bench.fire(3).await, Fired::Paused);
    assert_eq!(bench.sweep().await, 0);
    bench.world.clock.advance(HOUR);
    let resumed = bench.act("resume").await;
    assert_eq!(
        (&resumed["pausedAt"], &resumed["nextAt"]),
        (&Value::Null, &json!(hour(5)))
    );
    assert_eq!(bench.act("resume").await, resumed);
    assert_eq!(bench.world.schedules.paused(), [false]);
    // A firing of a moment in the pause that was under way starts nothing either.
    assert_eq!(bench.fire(3).await, Fired::Paused);
    bench.run(5).await;
    assert_eq!(bench.hours().await.0, [1, 5]);
    // A trigger that was removed and drawn again is another one.
    bench.act("pause").await;
    let quick = crate::documents::quick("asks");
    for document in [&quick, &asks(&json!({}))] {
        let saved = bench.world.tell(&Ask::replace(document, "*")).await;
        assert_eq!(saved.status, 200);
    }
    assert_eq!(bench.row().await["pausedAt"], Value::Null);
    assert!(bench.note().await.is_blank());
}

#[tokio::test]
async fn a_pause_that_did_not_come_to_the_clock_holds_and_is_repeated() {
    let bench = Bench::new(json!({})).await;
    let path = format!("/v1/schedules/{}/pause", bench.id);
    let ask = Ask::new("POST", &path).id(bench.id.as_str());
    bench.world.schedules.is_away.store(true, Ordering::SeqCst);
    is(&bench.world.tell(&ask).await, 503, "LAT-A051");
    assert_eq!(bench.fire(1).await, Fired::Paused);
    assert_eq!(bench.world.schedules.paused(), [false]);
    bench.world.schedules.is_away.store(false, Ordering::SeqCst);
    assert_eq!(bench.world.tell(&ask).await.status, 200);
    assert_eq!(bench.world.schedules.paused(), [true]);
}

#[tokio::test]
async fn what_cannot_be_paused_is_refused() {
    let world = World::new();
    let hook = world.hook(&crate::support::hooks::keyed("hook")).await;
    let hook = hook.rsplit('/').next().unwrap().to_owned();
    for id in [hook.as_str(), "tr_00000000000000000000000000"] {
        for act in ["pause", "resume"] {
            let path = format!("/v1/schedules/{id}/{act}");
            is(
                &world.tell(&Ask::new("POST", &path).id(id)).await,
                404,
                "LAT-A024",
            );
        }
    }
}

#[tokio::test]
async fn of_moments_that_come_late_only_the_newest_is_made_up_for() {
    let bench = Bench::new(json!({ "missed": "once" })).await;
    bench.world.clock.advance(5 * HOUR + 20 * 60_000);
    // After an outage the clock delivers what it kept, in any order.
    for hour in [2, 1, 4, 3] {
        let fired = bench.fire(hour).await;
        assert_eq!(fired, Fired::Skipped { behind: None }, "{hour}");
    }
    let newest = bench.run(5).await;
    assert_eq!(bench.run(5).await, newest);
    assert_eq!(bench.hours().await.0, [5]);
    // Who makes up for nothing starts what is delivered, as long as it is.
    let bench = Bench::new(json!({ "missed": "skip" })).await;
    bench.world.clock.advance(5 * HOUR);
    bench.run(4).await;
    bench.run(5).await;
}

#[tokio::test]
async fn a_policy_of_another_word_and_a_moment_that_is_over_are_told() {
    let world = World::new();
    let wrong = asks(&json!({ "overlap": "cancel-old", "missed": "all" }));
    let refused = world.tell(&Ask::create(&wrong)).await;
    is(&refused, 422, "LAT-A030");
    let problems = refused.json()["problems"].clone();
    assert_eq!(problems[0]["pointer"], "/nodes/0/settings/overlap");
    assert!(problems.to_string().contains("`cancelOld`"), "{problems}");
    assert_eq!(problems[1]["pointer"], "/nodes/0/settings/missed");
    let over = asks(&json!({ "expression": "at(2025-06-15T15:00:00)" }));
    let saved = world.tell(&Ask::create(&over)).await;
    assert_eq!(saved.status, 201, "{saved:?}");
    let warned = &saved.json()["problems"][0];
    assert_eq!(
        (&warned["severity"], &warned["pointer"], &warned["node"]),
        (
            &json!("warning"),
            &json!("/nodes/0/settings/expression"),
            &json!("clock")
        )
    );
    assert!(warned["help"].as_str().unwrap().contains("still to come"));
}

/// A process of `lattice dev`: the clock of one machine, armed with what is stored.
struct Machine<'a> {
    bench: &'a Bench,
    wheel: LocalSchedules<ManualClock>,
}

impl<'a> Machine<'a> {
    async fn start(bench: &'a Bench) -> Self {
        let wheel = LocalSchedules::new(bench.world.clock.clone());
        let row = bench.world.store.trigger(&bench.id).await.unwrap();
        wheel.arm(&row.unwrap()).await.unwrap();
        let machine = Self { bench, wheel };
        machine.settle().await;
        machine
    }

    async fn settle(&self) {
        self.bench.sweep().await;
    }

    /// The moment that fires now, if one does.
    fn due(&self) -> Option<Millis> {
        self.wheel.next().now_or_never().map(|firing| firing.at)
    }

    /// Fires all that is due, until the process is killed.
    async fn work(&self) {
        while let Some(at) = self.due() {
            self.bench.world.api.fire(&self.bench.id, at).await.unwrap();
            self.bench.world.settle().await;
        }
    }
}

#[tokio::test]
async fn a_process_that_is_killed_between_firing_and_start_is_made_up_for_by_the_next() {
    for (overlap, missed) in [("allow", "skip"), ("skip", "once"), ("queue", "once")] {
        let bench = Bench::new(json!({ "overlap": overlap, "missed": missed })).await;
        let machine = Machine::start(&bench).await;
        bench.world.clock.advance(HOUR + 100);
        assert!(machine.due().is_some());
        drop(machine);
        // Again and again: the moment is a minute old at most.
        for _ in 0..3 {
            let machine = Machine::start(&bench).await;
            bench.world.clock.advance(5_000);
            machine.work().await;
        }
        assert_eq!(bench.hours().await.0, [1], "{overlap} {missed}");
        for run in bench.hours().await.1 {
            bench.end(&run).await;
        }
        // Down for five moments and a half.
        bench.world.clock.advance(11 * HOUR / 2);
        for _ in 0..3 {
            let machine = Machine::start(&bench).await;
            machine.work().await;
        }
        let expected: &[u64] = if missed == "once" { &[1, 6] } else { &[1] };
        assert_eq!(bench.hours().await.0, expected, "{overlap} {missed}");
    }
}

#[tokio::test]
async fn what_waits_when_a_process_ends_is_started_by_the_next() {
    for overlap in ["queue", "cancelOld"] {
        let bench = Bench::new(json!({ "overlap": overlap })).await;
        let machine = Machine::start(&bench).await;
        let first = bench.run(1).await;
        bench.world.clock.advance(HOUR);
        let at = Millis::new(BEGAN + 2 * HOUR);
        let fired = bench.world.api.fire(&bench.id, at).await.unwrap();
        assert!(matches!(fired, Fired::Waits { .. }));
        drop(machine);
        bench.world.clock.advance(HOUR / 2);
        if overlap == "queue" {
            bench.end(&first).await;
        }
        let machine = Machine::start(&bench).await;
        machine.settle().await;
        assert_eq!(bench.hours().await.0, [1, 2], "{overlap}");
        machine.work().await;
        assert_eq!(bench.hours().await.0, [1, 2], "{overlap}");
    }
}

#[tokio::test]
async fn nobody_makes_up_for_a_pause() {
    let bench = Bench::new(json!({ "missed": "once" })).await;
    bench.act("pause").await;
    bench.world.clock.advance(5 * HOUR / 2);
    Machine::start(&bench).await.work().await;
    bench.act("resume").await;
    Machine::start(&bench).await.work().await;
    assert!(bench.hours().await.0.is_empty());
    bench.world.clock.advance(HOUR);
    Machine::start(&bench).await.work().await;
    assert_eq!(bench.hours().await.0, [3]);
}
