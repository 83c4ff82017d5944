//! Policies of schedules: each with the earlier run open, over and cancelled, fired by processes that
//! crash, repeat themselves and meet; pauses; moments that were missed.

use crate::is;
use crate::support::{Ask, World};
use futures::FutureExt;
use futures::future::join_all;
use lattice_driver::Fired;
use lattice_local::LocalSchedules;
use lattice_model::{Millis, TriggerId};
use lattice_ports::memory::ManualClock;
use lattice_ports::{Clock, FiringNote, LastFiring, Schedules, Triggers};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const HOUR: u64 = 3_600_000;
/// When the world begins.
const BEGAN: u64 = 1_750_000_000_000;

/// A schedule whose runs ask, so that they stay open until somebody answers or cancels.
fn asks(policies: &Value) -> Value {
    let mut settings = json!({ "expression": "rate(1 hour)" });
    let of = settings.as_object_mut().unwrap();
    of.extend(policies.as_object().unwrap().clone());
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "asks", "name": "Asks",
        "nodes": [
            { "id": "clock", "type": "scheduleTrigger", "settings": settings },
            { "id": "ok", "type": "askUserQuestion", "settings": {
                "questionText": "Go on?", "options": [{ "label": "Yes" }, { "label": "No" }],
            } },
            { "id": "end", "type": "end" },
        ],
        "edges": [
            { "id": "e1", "from": "clock", "to": "ok" },
            { "id": "e2", "from": "ok", "fromPort": "branch-0", "to": "end" },
            { "id": "e3", "from": "ok", "fromPort": "branch-1", "to": "end" },
        ],
    })
}

struct Bench {
    world: Arc<World>,
    id: TriggerId,
}

impl Bench {
    async fn new(policies: Value) -> Self {
        let world = World::new();
        let saved = world.tell(&Ask::create(&asks(&policies))).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        let id = saved.json()["schedules"][0]["id"].clone();
        let id = TriggerId::new(id.as_str().unwrap());
        Self { world, id }
    }

    /// Fires for the hour, as soon as it has come, and carries the run on as far as it leads.
    async fn fire(&self, hour: u64) -> Fired {
        let at = Millis::new(BEGAN + hour * HOUR);
        let early = at.since(self.world.clock.now());
        self.world.clock.advance(early);
        let fired = self.world.api.fire(&self.id, at).await.unwrap();
        self.world.settle().await;
        fired
    }

    /// Fires for the hour; the run that it starts.
    async fn run(&self, hour: u64) -> String {
        match self.fire(hour).await {
            Fired::Started(started) => started.run.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// What the sweep does.
    async fn sweep(&self) -> usize {
        let started = self.world.api.driver.settle_firings().await.unwrap();
        self.world.settle().await;
        started
    }

    async fn end(&self, run: &str) {
        self.world.answer(run).await;
    }

    async fn cancel(&self, run: &str) {
        let ask = Ask::new("POST", &format!("/v1/runs/{run}/cancel")).id(run);
        assert_eq!(self.world.tell(&ask).await.status, 202);
        self.world.settle().await;
    }

    async fn status(&self, run: &str) -> Value {
        let ask = Ask::get(&format!("/v1/runs/{run}"));
        self.world.tell(&ask).await.json()["status"].clone()
    }

    async fn note(&self) -> FiringNote {
        let row = self.world.store.trigger(&self.id).await.unwrap();
        row.unwrap().note
    }

    async fn set_note(&self, change: impl FnOnce(&mut FiringNote)) {
        let next = self.note().await.changed(change);
        assert!(self.world.store.note_firing(&self.id, next).await.unwrap());
    }

    /// The hours that have a run, and the runs that are open.
    async fn hours(&self) -> (Vec<u64>, Vec<String>) {
        let page = self.world.tell(&Ask::get("/v1/runs")).await.json();
        let (mut hours, mut open) = (Vec::new(), Vec::new());
        for run in page["runs"].as_array().unwrap() {
            let id = run["runId"].as_str().unwrap();
            let log = self.world.log(id).await;
            let at = log[0]["payload"]["trigger"]["at"].as_u64().unwrap();
            hours.push((at - BEGAN) / HOUR);
            if run["status"] == "waiting" || run["status"] == "running" {
                open.push(id.to_owned());
            }
        }
        hours.sort_unstable();
        (hours, open)
    }

    async fn row(&self) -> Value {
        let page = self.world.tell(&Ask::get("/v1/schedules")).await.json();
        page["schedules"][0].clone()
    }

    async fn act(&self, act: &str) -> Value {
        let path = format!("/v1/schedules/{}/{act}", self.id);
        let ask = Ask::new("POST", &path).id(self.id.as_str());
        let done = self.world.tell(&ask).await;
        assert_eq!(done.status, 200, "{done:?}");
        done.json()
    }
}

fn hour(hour: u64) -> String {
    Millis::new(BEGAN + hour * HOUR).rfc3339()
}

#[tokio::test]
async fn allowed_moments_run_side_by_side() {
    let bench = Bench::new(json!({})).await;
    let (one, two) = (bench.run(1).await, bench.run(2).await);
    assert_ne!(one, two);
    assert_eq!(bench.hours().await.1.len(), 2);
    assert!(
        bench.note().await.is_blank(),
        "nothing is noted for nothing"
    );
}

#[tokio::test]
async fn skipped_moments_start_nothing_while_the_earlier_run_is_open() {
    let bench = Bench::new(json!({ "overlap": "skip" })).await;
    let first = bench.run(1).await;
    for skipped in [2, 3, 3] {
        assert!(matches!(bench.fire(skipped).await, Fired::Skipped { .. }));
    }
    assert_eq!(bench.row().await["lastSkipped"], hour(3));
    bench.end(&first).await;
    // A firing that comes again is judged as it was.
    for again in [2, 3] {
        let fired = bench.fire(again).await;
        assert_eq!(fired, Fired::Skipped { behind: None });
    }
    let second = bench.run(4).await;
    bench.cancel(&second).await;
    let third = bench.run(5).await;
    assert_eq!(bench.run(5).await, third);
    assert_eq!(bench.run(1).await, first);
    assert_eq!(bench.hours().await, (vec![1, 4, 5], vec![third]));
    assert_eq!(bench.sweep().await, 0);
}

#[tokio::test]
async fn of_queued_moments_the_newest_starts_once_the_earlier_run_is_over() {
    let bench = Bench::new(json!({ "overlap": "queue" })).await;
    let first = bench.run(1).await;
    for waits in [2, 3, 3] {
        assert!(matches!(bench.fire(waits).await, Fired::Waits { .. }));
    }
    assert!(matches!(bench.fire(2).await, Fired::Skipped { .. }));
    let row = bench.row().await;
    assert_eq!(
        (&row["waitingAt"], &row["lastSkipped"]),
        (&json!(hour(3)), &json!(hour(2)))
    );
    assert_eq!(bench.sweep().await, 0, "the earlier run is open");
    bench.cancel(&first).await;
    assert_eq!(bench.sweep().await, 1);
    assert_eq!(bench.row().await["waitingAt"], Value::Null);
    let third = bench.run(3).await;
    assert_eq!(bench.hours().await, (vec![1, 3], vec![third.clone()]));
    // What fires next finds the end of the earlier run itself, and what waited goes first.
    assert!(matches!(bench.fire(4).await, Fired::Waits { .. }));
    bench.end(&third).await;
    assert!(matches!(bench.fire(5).await, Fired::Waits { .. }));
    let fourth = bench.run(4).await;
    bench.end(&fourth).await;
    assert_eq!(bench.sweep().await, 1);
    assert_eq!(bench.hours().await.0, [1, 3, 4, 5]);
}

#[tokio::test]
async fn the_old_run_is_cancelled_and_the_new_one_waits_for_its_end() {
    let bench = Bench::new(json!({ "overlap": "cancelOld" })).await;
    let first = bench.run(1).await;
    let at = Millis::new(BEGAN + 2 * HOUR);
    bench.world.clock.advance(2 * HOUR);
    for _ in 0..3 {
        let fired = bench.world.api.fire(&bench.id, at).await.unwrap();
        assert!(matches!(fired, Fired::Waits { .. }));
        let swept = bench.world.api.driver.settle_firings().await.unwrap();
        assert_eq!(swept, 0, "it is not over before it is recorded");
    }
    bench.world.settle().await;
    assert_eq!(bench.status(&first).await, "cancelled");
    let log = bench.world.log(&first).await;
    let cancelled = log.iter().find(|event| event["type"] == "run.cancelled");
    let reason = cancelled.unwrap()["payload"].to_string();
    assert!(reason.contains(bench.id.as_str()), "{reason}");
    assert_eq!(bench.sweep().await, 1);
    let second = bench.run(2).await;
    assert_eq!(bench.hours().await, (vec![1, 2], vec![second.clone()]));
    // A late firing of an older moment does not end a newer run.
    bench.set_note(|note| note.skipped = None).await;
    bench.world.clock.advance(HOUR);
    let late = Millis::new(at.get() - 60_000);
    let late = bench.world.api.fire(&bench.id, late).await.unwrap();
    assert!(matches!(late, Fired::Skipped { .. }), "{late:?}");
    bench.world.settle().await;
    assert_eq!(bench.status(&second).await, "waiting");
    bench.end(&second).await;
    bench.run(5).await;
    assert_eq!(bench.hours().await.0, [1, 2, 5]);
}

/// What a process leaves that ends at each point of a firing, and who comes next.
#[tokio::test]
async fn a_crash_between_the_claim_and_its_note_loses_no_start_and_makes_none_twice() {
    for overlap in ["skip", "queue", "cancelOld"] {
        for started in [false, true] {
            for next in ["the same moment", "the next moment", "the sweep"] {
                let bench = Bench::new(json!({ "overlap": overlap })).await;
                if started {
                    bench.run(1).await;
                }
                let at = Millis::new(BEGAN + HOUR);
                bench
                    .set_note(|note| {
                        note.last = Some(LastFiring { at, run: None });
                    })
                    .await;
                let said = format!("{overlap}, {next}, started {started}");
                match next {
                    "the same moment" => assert!(matches!(
                        bench.fire(1).await,
                        Fired::Started(it) if it.known == started
                    )),
                    "the next moment" => {
                        let fired = bench.fire(2).await;
                        assert!(!matches!(fired, Fired::Started(_)), "{said}: {fired:?}");
                    }
                    _ => assert_eq!(bench.sweep().await, 1, "{said}"),
                }
                let hours = bench.hours().await.0;
                assert_eq!(hours, [1], "{said}");
                let last = bench.note().await.last.unwrap();
                assert!(last.at == at && last.run.is_some(), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn processes_that_fire_at_once_come_to_one_run_at_a_time() {
    for overlap in ["skip", "queue", "cancelOld"] {
        let bench = Bench::new(json!({ "overlap": overlap })).await;
        bench.world.clock.advance(9 * HOUR);
        let hours = [1_u64, 2, 1, 3, 2, 3, 1];
        let fires = hours.map(|hour| {
            let at = Millis::new(BEGAN + hour * HOUR);
            bench.world.api.fire(&bench.id, at)
        });
        for fired in join_all(fires).await {
            fired.unwrap();
        }
        bench.world.settle().await;
        let (started, open) = bench.hours().await;
        assert!(open.len() <= 1, "{overlap}: {open:?}");
        let once: BTreeSet<_> = started.iter().collect();
        assert_eq!(once.len(), started.len(), "{overlap}: {started:?}");
    }
}

/// Any order of firings, ends, sweeps, crashes and pauses.
#[tokio::test]
async fn whatever_happens_no_two_runs_are_open_and_no_moment_has_two() {
    let mut seed = 7_u64;
    let mut draw = move |below: u64| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    for overlap in ["skip", "queue", "cancelOld"] {
        for _ in 0..8 {
            let bench = Bench::new(json!({ "overlap": overlap })).await;
            let mut accepted = BTreeSet::new();
            let mut now = 1;
            for _ in 0..30 {
                match draw(10) {
                    0..=3 => {
                        now += draw(2);
                        let hour = now - draw(now.min(3));
                        if matches!(bench.fire(hour).await, Fired::Started(_)) {
                            accepted.insert(hour);
                        }
                    }
                    4..=5 => {
                        for run in bench.hours().await.1 {
                            bench.end(&run).await;
                        }
                    }
                    6 => {
                        for run in bench.hours().await.1 {
                            bench.cancel(&run).await;
                        }
                    }
                    7 => drop(bench.sweep().await),
                    8 => {
                        // A process ended behind a start, before it was noted.
                        if bench.note().await.last.is_some() {
                            bench
                                .set_note(|note| {
                                    if let Some(last) = &mut note.last {
                                        last.run = None;
                                    }
                                })
                                .await;
                        }
                    }
                    _ => {
                        bench.act("pause").await;
                        bench.world.clock.advance(1);
                        assert_eq!(bench.fire(now).await, Fired::Paused);
                        bench.act("resume").await;
                        now += 1;
                    }
                }
                let (started, open) = bench.hours().await;
                assert!(open.len() <= 1, "{overlap}: {open:?}");
                let once: BTreeSet<_> = started.iter().copied().collect();
                assert_eq!(once.len(), started.len(), "{overlap}: {started:?}");
                assert!(accepted.is_subset(&once), "{accepted:?} {once:?}");
            }
        }
    }
}

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
