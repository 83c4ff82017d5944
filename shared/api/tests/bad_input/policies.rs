//! What a schedule does while the run of an earlier moment is open, over or cancelled; fired by
//! processes that crash, repeat themselves and meet.

use crate::bench::{BEGAN, Bench, HOUR, hour};
use futures::future::join_all;
use lattice_driver::Fired;
use lattice_model::Millis;
use lattice_ports::LastFiring;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

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
    let reasons = log
        .iter()
        .filter_map(|event| event["payload"]["reason"].as_str());
    let reasons: Vec<_> = reasons.collect();
    let ours = |reason: &&&str| reason.contains(bench.id.as_str());
    let asked = reasons.iter().filter(ours).count();
    assert_eq!(asked, 1, "asked often, it is one cancel: {reasons:?}");
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

/// On threads, so that the looks of one come between those of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_fire_at_once_come_to_one_run_at_a_time() {
    for overlap in ["skip", "queue", "cancelOld"] {
        for _ in 0..12 {
            let bench = Bench::new(json!({ "overlap": overlap })).await;
            bench.world.clock.advance(9 * HOUR);
            let fires = [1_u64, 2, 1, 3, 2, 3, 1, 2].map(|hour| {
                let (api, id) = (Arc::clone(&bench.world.api), bench.id.clone());
                let at = Millis::new(BEGAN + hour * HOUR);
                tokio::spawn(async move { api.fire(&id, at).await })
            });
            for fired in join_all(fires).await {
                fired.unwrap().unwrap();
            }
            bench.world.settle().await;
            let (started, open) = bench.hours().await;
            assert!(!started.is_empty(), "{overlap}");
            let ended = usize::from(overlap == "cancelOld");
            assert!(open.len() <= 1 && open.len() + ended >= 1, "{open:?}");
            let once: BTreeSet<_> = started.iter().collect();
            assert_eq!(once.len(), started.len(), "{overlap}: {started:?}");
        }
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
