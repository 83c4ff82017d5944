//! Streams: every event once and in order, whatever a reader, the ring or the log does meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use lattice_api::StreamSettings;
use serde_json::Value;
use std::sync::Arc;
use support::growing::Growing;
use support::sse::Frame;
use support::{Ask, Reader, Say, World, count, documents};

/// Streams that look at the log often.
fn quick() -> StreamSettings {
    StreamSettings {
        poll_ms: 2,
        ..StreamSettings::default()
    }
}

fn seqs(events: &[Value]) -> Vec<u64> {
    let seq = |event: &Value| event["seq"].as_u64().unwrap();
    events.iter().map(seq).collect()
}

fn dense(from: u64, to: u64) -> Vec<u64> {
    (from..=to).collect()
}

#[tokio::test]
async fn what_is_stored_comes_first_then_what_happens_and_the_end_ends_it() {
    let world = World::new();
    let run = world.asking().await;
    let before = world.log(&run).await;
    let mut reader = world.open(&run, 0).await;
    assert_eq!(reader.status, 200);
    let header = |name: &str| reader.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(
        (header("cache-control"), header("x-accel-buffering")),
        ("no-store".into(), "no".into())
    );
    assert!(matches!(reader.frame().await, Some(Frame::Retry(ms)) if ms > 0));
    let mut told = reader.until(before.len() as u64).await;
    assert_eq!(told, before);
    world.answer(&run).await;
    told.extend(reader.rest().await);
    let log = world.log(&run).await;
    assert_eq!(told, log, "the frames are the log");
    assert!(reader.over && log.len() > before.len());
}

#[tokio::test]
async fn the_header_wins_over_the_address() {
    let world = World::new();
    let run = world.completed().await;
    let log = world.log(&run).await;
    let open = |last_seq: &str, header: &str| {
        let ask = Ask::get(&format!("/v1/runs/{run}/stream")).query("lastSeq", last_seq);
        world.open_as(ask.header("last-event-id", header))
    };
    assert_eq!(open("0", "2").await.rest().await, log[2..]);
    assert_eq!(open("2", "0").await.rest().await, log);
    // A browser that has no event yet sends no header at all.
    assert_eq!(open("2", "").await.status, 400);
    let only = Ask::get(&format!("/v1/runs/{run}/stream")).header("last-event-id", "1");
    assert_eq!(world.open_as(only).await.rest().await, log[1..]);
    let end = log.len().to_string();
    assert_eq!(open("0", &end).await.status, 204);
}

#[tokio::test]
async fn nothing_is_left_behind_the_end_of_a_run_and_nothing_is_there_yet_behind_a_live_one() {
    let world = World::new();
    let (live, over) = (world.asking().await, world.completed().await);
    let last = world.log(&over).await.len() as u64;
    for _ in 0..2 {
        for past in [last, last + 1, last + 1_000] {
            assert_eq!(world.open(&over, past).await.status, 204, "{past}");
        }
        // The second time somebody watches, and the ring knows the end.
        let mut reader = world.open(&over, last - 1).await;
        assert_eq!(seqs(&reader.rest().await), [last]);
    }
    let last = world.log(&live).await.len() as u64;
    assert_eq!(world.open(&live, last + 1).await.status, 409);
    let mut reader = world.open(&live, last).await;
    assert_eq!(world.open(&live, last + 1).await.status, 409);
    world.answer(&live).await;
    let end = world.log(&live).await.len() as u64;
    assert_eq!(seqs(&reader.rest().await), dense(last + 1, end));
}

#[tokio::test]
async fn silence_is_broken_by_comments() {
    let settings = StreamSettings {
        heartbeat_ms: 5,
        ..quick()
    };
    let world = World::with(settings);
    let run = world.asking().await;
    let last = world.log(&run).await.len() as u64;
    let mut reader = world.open(&run, last).await;
    assert!(matches!(reader.frame().await, Some(Frame::Retry(_))));
    for _ in 0..3 {
        assert_eq!(
            reader.frame().await,
            Some(Frame::Comment("still here".into()))
        );
    }
    world.answer(&run).await;
    assert_eq!(
        reader.rest().await.len(),
        world.log(&run).await.len() - last as usize
    );
}

#[tokio::test]
async fn an_answer_has_its_own_time_and_the_reader_comes_back_for_the_rest() {
    let settings = StreamSettings {
        life_ms: (10, 20),
        ..quick()
    };
    let world = World::with(settings);
    let run = world.asking().await;
    let before = world.log(&run).await.len() as u64;
    let mut reader = world.open(&run, 0).await;
    let mut told = reader.rest().await;
    assert_eq!(
        seqs(&told),
        dense(1, before),
        "it ends although the run does not"
    );
    assert!(!reader.over);
    world.answer(&run).await;
    while !reader.over {
        reader = world.open(&run, told.len() as u64).await;
        told.extend(reader.rest().await);
    }
    assert_eq!(told, world.log(&run).await);
}

/// A run whose model is asked, and the task that carries it on.
async fn talking(world: &Arc<World>) -> (String, Reader, tokio::task::JoinHandle<()>) {
    let workflow = world.name("talks");
    world.store(&documents::talks(&workflow)).await;
    let run = world.queue_run(&workflow).await;
    let reader = world.open(&run, 0).await;
    (run, reader, carried(world))
}

fn carried(world: &Arc<World>) -> tokio::task::JoinHandle<()> {
    let world = Arc::clone(world);
    tokio::spawn(async move { world.settle().await })
}

/// Pieces of live text until so many characters are there; each begins where the last one ended.
async fn heard(reader: &mut Reader, attempt: u64, mut text: String, until: usize) -> String {
    while text.chars().count() < until {
        let (_, told, offset, piece) = reader.piece().await;
        assert_eq!((told, offset), (attempt, text.chars().count() as u64));
        text.push_str(&piece);
    }
    text
}

#[tokio::test]
async fn what_a_model_says_is_told_while_it_comes_and_never_stored() {
    let world = World::with(quick());
    let (run, mut reader, carried_on) = talking(&world).await;
    world.say(Say::SoFar("Grü".into()));
    let text = heard(&mut reader, 1, String::new(), 3).await;
    world.say(Say::SoFar("Grüße, ".into()));
    world.say(Say::SoFar("Grüße, Welt".into()));
    let text = heard(&mut reader, 1, text, 11).await;
    assert_eq!(text, "Grüße, Welt");
    // Whoever comes later gets what was said so far, behind what is stored.
    let mut later = world.open(&run, 0).await;
    assert_eq!(heard(&mut later, 1, String::new(), 11).await, "Grüße, Welt");
    assert_eq!(later.last, reader.last);
    // More than goes out at once comes in pieces that fit together.
    let long = format!("Grüße, Welt{}", "ß".repeat(30_000));
    world.say(Say::SoFar(long.clone()));
    assert_eq!(heard(&mut reader, 1, text, 30_011).await, long);
    world.say(Say::Whole("Hallo".into()));
    carried_on.await.unwrap();
    for reader in [&mut reader, &mut later] {
        reader.rest().await;
        assert!(reader.over);
    }
    // What is stored has taken its place: nobody is told any more.
    let mut last = world.open(&run, 0).await;
    while let Some(frame) = last.event().await {
        assert!(
            matches!(frame, Frame::Event { id: Some(_), .. }),
            "{frame:?}"
        );
    }
    let log = world.log(&run).await;
    let stored = serde_json::to_string(&log).unwrap();
    assert!(stored.contains("Hallo") && !stored.contains("Grü"));
}

#[tokio::test]
async fn a_new_attempt_begins_anew() {
    let world = World::with(quick());
    let (run, mut reader, carried_on) = talking(&world).await;
    world.say(Say::SoFar("The first try".into()));
    assert_eq!(
        heard(&mut reader, 1, String::new(), 13).await,
        "The first try"
    );
    world.say(Say::Fail);
    carried_on.await.unwrap();
    assert_eq!(count(&world.log(&run).await, "stage.retrying"), 1);
    // Between the attempts there is nothing to hear.
    let mut between = world.open(&run, 0).await;
    let stored = world.log(&run).await.len() as u64;
    assert_eq!(between.until(stored).await.len() as u64, stored);
    world.clock.advance(120_000);
    let carried_on = carried(&world);
    world.say(Say::SoFar("Another".into()));
    for reader in [&mut reader, &mut between] {
        assert_eq!(heard(reader, 2, String::new(), 7).await, "Another");
    }
    let mut later = world.open(&run, 0).await;
    assert_eq!(heard(&mut later, 2, String::new(), 7).await, "Another");
    world.say(Say::Whole("Another one".into()));
    carried_on.await.unwrap();
    reader.rest().await;
    assert!(reader.over);
}

/// Opens streams until the run is over, as a reader does whose connection ends now and then.
async fn followed(world: Arc<World>, run: String, from: u64) -> Vec<u64> {
    let mut told = Vec::new();
    loop {
        let last = told.last().copied().unwrap_or(from);
        let mut reader = world.open(&run, last).await;
        assert_eq!(reader.status, 200);
        told.extend(seqs(&reader.rest().await));
        if reader.over {
            return told;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_reader_gets_every_event_once_while_the_log_grows() {
    for (ring_bytes_max, rings_bytes_max) in [
        (8 << 20, 64 << 20),
        (1, 64 << 20),
        (1_000, 64 << 20),
        (8 << 20, 2_000),
    ] {
        let settings = StreamSettings {
            ring_bytes_max,
            rings_bytes_max,
            life_ms: (5, 40),
            ..quick()
        };
        let world = World::with(settings);
        let mut log = Growing::new(&world).await;
        log.append(30, false).await;
        let (run, middle) = (log.run.to_string(), log.last());
        let mut readers = Vec::new();
        for from in [0, 0, 7, middle, middle, middle - 1] {
            let follow = followed(Arc::clone(&world), run.clone(), from);
            readers.push((from, tokio::spawn(follow)));
        }
        for turn in 0..120_usize {
            // What this process commits is seen at once, what others commit is found by reading.
            log.append(1 + turn % 32, turn % 3 != 1).await;
            if turn % 8 == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        }
        log.end(false).await;
        let last = log.last();
        for (from, reader) in readers {
            let told = reader.await.unwrap();
            assert_eq!(
                told,
                dense(from + 1, last),
                "from {from}, a ring of {ring_bytes_max}"
            );
        }
        assert_eq!(followed(Arc::clone(&world), run, 0).await, dense(1, last));
    }
}

#[tokio::test]
async fn a_log_with_a_hole_is_counted_whoever_finds_it() {
    let world = World::with(quick());
    let mut log = Growing::new(&world).await;
    let run = log.run.to_string();
    let counted = || {
        let text = world.api.metrics.render(&[]);
        let line = text
            .lines()
            .find(|line| line.starts_with("lattice_stream_gaps_total "));
        line.unwrap()
            .split_once(' ')
            .unwrap()
            .1
            .parse::<u64>()
            .unwrap()
    };
    let mut reader = world.open(&run, 0).await;
    reader.until(1).await;
    assert_eq!(counted(), 0);
    log.lose();
    log.append(1, false).await;
    // The tail reader comes to it again and again.
    while counted() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(counted(), 1);
    let page = Ask::get(&format!("/v1/runs/{run}/events"));
    assert_eq!(world.send(&page).await.status, 500);
    assert_eq!(counted(), 2);
}

#[tokio::test]
async fn one_behind_the_ring_and_one_at_its_end_get_the_same_in_one_answer() {
    let settings = StreamSettings {
        ring_bytes_max: 1_000,
        ..quick()
    };
    let world = World::with(settings);
    let mut log = Growing::new(&world).await;
    log.append(20, true).await;
    let run = log.run.to_string();
    let mut at_end = world.open(&run, log.last()).await;
    let mut behind = world.open(&run, 0).await;
    let from = log.last();
    for _ in 0..20 {
        log.append(32, true).await;
    }
    log.end(true).await;
    // Nobody has read yet, so the ring has long lost what comes next for both.
    assert_eq!(seqs(&at_end.rest().await), dense(from + 1, log.last()));
    assert_eq!(seqs(&behind.rest().await), dense(1, log.last()));
    assert!(at_end.over && behind.over);
}

#[tokio::test]
async fn a_stop_ends_every_stream_and_a_reader_resumes_elsewhere() {
    let world = World::with(quick());
    let mut log = Growing::new(&world).await;
    log.append(5, true).await;
    let run = log.run.to_string();
    let mut readers = Vec::new();
    for from in [0, log.last()] {
        readers.push(world.open(&run, from).await);
    }
    assert_eq!(
        seqs(&readers[0].until(log.last()).await),
        dense(1, log.last())
    );
    world.streams.stop();
    for reader in &mut readers {
        assert_eq!(reader.rest().await, Vec::<Value>::new());
        assert!(!reader.over);
    }
}

#[tokio::test]
async fn there_are_only_so_many_readers() {
    let settings = StreamSettings {
        viewers_max: 2,
        ..quick()
    };
    let world = World::with(settings);
    let (run, other) = (world.asking().await, world.asking().await);
    let first = world.open(&run, 0).await;
    let _second = world.open(&other, 0).await;
    let ask = Ask::get(&format!("/v1/runs/{run}/stream"));
    for _ in 0..3 {
        let busy = world.tell(&ask).await;
        assert_eq!((busy.status, busy.code().as_str()), (503, "LAT-A050"));
        assert_eq!(busy.header("retry-after"), "1");
    }
    // A page is read all the same, and the next one has the place of the one that goes.
    world.log(&run).await;
    drop(first);
    assert_eq!(world.open(&run, 0).await.status, 200);
}
