//! A server that knows the whole log and does everything to it on the way: whoever follows still
//! gets each event once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use fastrand::Rng;
use lattice_client::{Counts, Told, WatchError};
use std::time::Duration;
use tokio::time::timeout;

const EVENTS: u64 = 120;

fn stored(seq: u64) -> serde_json::Value {
    match seq {
        EVENTS => event(seq, "run.cancelled"),
        _ => event(seq, "variable.set"),
    }
}

fn after(head: &str) -> u64 {
    let query = head.split("lastSeq=").nth(1).unwrap();
    let digits = query.split(|letter: char| !letter.is_ascii_digit()).next();
    digits.unwrap().parse().unwrap()
}

fn answer(random: &mut Rng, head: &str) -> Reply {
    let last = after(head);
    if random.u32(..12) == 0 {
        return Reply::problem(503, "not now");
    }
    if head.contains("/events?") {
        let to = EVENTS.min(last + random.u64(1..9));
        let body = serde_json::json!({"events": (last + 1..=to).map(stored).collect::<Vec<_>>()})
            .to_string();
        return Reply::whole(200, "application/json", &body);
    }
    if last == EVENTS {
        return Reply::bare(204);
    }
    stream(random, last)
}

/// Frames left out, repeated, sent too early, in pieces of any size, and cut anywhere.
fn stream(random: &mut Rng, last: u64) -> Reply {
    let mut bytes = Vec::new();
    for seq in last + 1..=EVENTS {
        let seq = match random.u32(..10) {
            0 => continue,
            1 => random.u64(1..=EVENTS),
            _ => seq,
        };
        let text = frame(&stored(seq));
        match random.u32(..4) {
            0 => bytes.extend_from_slice(text.replace('\n', "\r\n").as_bytes()),
            _ => bytes.extend_from_slice(text.as_bytes()),
        }
        if random.u32(..8) == 0 {
            bytes.extend_from_slice(b": heartbeat\n\n");
        }
    }
    bytes.truncate(random.usize(0..4_000));
    let mut reply = Reply::stream();
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(random.usize(1..=rest.len().min(400)));
        reply = reply.piece(piece);
        rest = behind;
    }
    match random.bool() {
        true => reply.end(),
        false => reply,
    }
}

/// Follows the run with a server and a caller who both do what the seed says.
async fn follow(seed: u64) -> Result<(Vec<u64>, Counts), WatchError> {
    let mut random = Rng::with_seed(seed);
    let server = Scripted::start(move |head| answer(&mut random, head)).await;
    let mut caller = Rng::with_seed(!seed);
    let mut options = behind(caller.u64(..4));
    options.max_tries = None;
    let mut watcher = server.watch_with(options);
    let mut told = vec![watcher.last().get()];
    loop {
        // An impatient caller gives up waiting and asks again.
        let patience = Duration::from_micros(caller.u64(1..20_000));
        let next = match timeout(patience, watcher.next()).await {
            Ok(next) => next?,
            Err(_) => continue,
        };
        match next {
            Some(Told::Event(event)) => told.push(event.seq.get()),
            Some(Told::Text(_)) => {}
            None => return Ok((told, watcher.counts())),
        }
        if caller.u32(..20) == 0 {
            watcher.drop_connection();
        }
    }
}

#[tokio::test]
async fn each_event_is_told_once_whatever_the_way_does() {
    let all = futures::future::join_all((0..24).map(follow)).await;
    let mut sum = Counts::default();
    for (seed, followed) in all.into_iter().enumerate() {
        let (told, counts) = followed.unwrap_or_else(|error| panic!("seed {seed}: {error:?}"));
        let expected: Vec<u64> = (told[0]..=EVENTS).collect();
        assert_eq!(told, expected, "seed {seed}");
        sum.reconnects += counts.reconnects;
        sum.pages += counts.pages;
        sum.repeats += counts.repeats;
    }
    // Else nothing of it was tried.
    assert!(
        sum.reconnects > 100 && sum.pages > 24 && sum.repeats > 24,
        "{sum:?}"
    );
}
