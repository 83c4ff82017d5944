//! One thing after another that a server, or the way to it, does to a watcher.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use lattice_client::{Counts, Told, WatchOptions};
use lattice_model::Secret;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_run_is_told_to_its_end_with_what_a_model_says_meanwhile() {
    let stream = Reply::stream()
        .piece(": heartbeat\n\n")
        .event(1, "run.started")
        .piece("event: llm.chunk\ndata: {\"stage\":\"s\",\"attempt\":1,\"offset\":0,\"text\":\"é\"}\n\n")
        .piece("event: something.new\ndata: ?\n\n")
        .event(2, "variable.set")
        .event(3, "run.cancelled")
        .hold();
    let server = Scripted::replies(vec![stream]).await;
    let mut watcher = server.watch();
    let told = all(&mut watcher).await.unwrap();
    assert_eq!(told, (vec![1, 2, 3], "é".to_owned()));
    assert_eq!(watcher.counts(), Counts::default());
    assert_eq!(watcher.next().await.unwrap(), None);
    assert_eq!(server.asked(), ["stream?lastSeq=0"]);
}

#[tokio::test]
async fn a_stream_that_is_cut_anywhere_goes_on_behind_the_last_whole_event() {
    let whole = frame(&event(2, "variable.set")).into_bytes();
    let letter = whole
        .windows(2)
        .position(|two| two == "é".as_bytes())
        .unwrap();
    for cut in [1, letter + 1, whole.len() - 1] {
        let first = Reply::stream().event(1, "run.started").piece(&whole[..cut]);
        let second = Reply::stream()
            .piece(&whole)
            .event(3, "run.cancelled")
            .end();
        let server = Scripted::replies(vec![first, second]).await;
        let mut watcher = server.watch();
        assert_eq!(all(&mut watcher).await.unwrap().0, [1, 2, 3], "{cut}");
        assert_eq!(server.asked(), ["stream?lastSeq=0", "stream?lastSeq=1"]);
        let counts = Counts {
            reconnects: 1,
            ..Counts::default()
        };
        assert_eq!(watcher.counts(), counts);
    }
}

#[tokio::test]
async fn frames_that_come_again_are_dropped() {
    let first = Reply::stream()
        .event(1, "run.started")
        .event(2, "run.waiting")
        .end();
    let second = Reply::stream()
        .event(1, "run.started")
        .event(2, "run.waiting")
        .event(3, "run.cancelled");
    let server = Scripted::replies(vec![first, second]).await;
    let mut watcher = server.watch();
    assert_eq!(all(&mut watcher).await.unwrap().0, [1, 2, 3]);
    let (reconnects, pages, repeats) = (1, 0, 2);
    assert_eq!(
        watcher.counts(),
        Counts {
            reconnects,
            pages,
            repeats
        }
    );
}

#[tokio::test]
async fn what_a_stream_skips_is_fetched_in_pages_while_it_stays_open() {
    let stream = Reply::stream()
        .event(1, "run.started")
        .event(5, "variable.set")
        .event(6, "run.cancelled")
        .hold();
    let json = "application/json";
    let replies = vec![
        stream,
        Reply::whole(200, json, &page(2..=3, "variable.set")),
        Reply::whole(200, json, &page(4..=5, "variable.set")),
    ];
    let server = Scripted::replies(replies).await;
    let mut watcher = server.watch();
    assert_eq!(all(&mut watcher).await.unwrap().0, [1, 2, 3, 4, 5, 6]);
    let counts = Counts {
        pages: 2,
        ..Counts::default()
    };
    assert_eq!(watcher.counts(), counts);
    let asked = [
        "stream?lastSeq=0",
        "events?lastSeq=1&limit=1000",
        "events?lastSeq=3&limit=1000",
    ];
    assert_eq!(server.asked(), asked);
}

#[tokio::test]
async fn the_end_is_an_answer_without_content() {
    let server = Scripted::replies(vec![Reply::bare(204)]).await;
    let mut watcher = server.watch_with(behind(7));
    assert_eq!(watcher.next().await.unwrap(), None);
    assert_eq!(server.asked(), ["stream?lastSeq=7"]);
}

#[tokio::test]
async fn a_server_that_cannot_answer_now_is_asked_again_when_it_says() {
    let replies = vec![
        Reply::stream().end(),
        Reply::bare(429).with_header("retry-after: 1"),
        Reply::problem(503, "starting"),
        Reply::stream().event(1, "run.cancelled").end(),
    ];
    let server = Scripted::replies(replies).await;
    let started = Instant::now();
    assert_eq!(all(&mut server.watch()).await.unwrap().0, [1]);
    assert!(started.elapsed() > Duration::from_secs(1));

    let server = Scripted::replies(vec![Reply::problem(503, "starting")]).await;
    let mut watcher = server.watch_with(WatchOptions {
        max_tries: Some(1),
        ..behind(0)
    });
    let error = watcher.next().await.unwrap_err();
    assert!(
        causes(&error).contains("the server answered 503: starting"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_server_that_is_away_is_found_again() {
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let server = lattice_client::Server::new(&format!("http://{address}")).unwrap();
    let options = WatchOptions {
        max_tries: Some(1),
        ..behind(0)
    };
    let error = server
        .watch(run(), options)
        .unwrap()
        .next()
        .await
        .unwrap_err();
    let said = causes(&error);
    assert!(said.starts_with("gave up after 1 tries"), "{said}");
    assert!(said.to_lowercase().contains("connection refused"), "{said}");

    let mut watcher = server.watch(run(), behind(0)).unwrap().with_chance(|| 0);
    let (told, _up) = tokio::join!(all(&mut watcher), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        Scripted::on(listener, |_| {
            Reply::stream().event(1, "run.cancelled").end()
        })
    });
    assert_eq!(told.unwrap().0, [1]);
}

#[tokio::test]
async fn silence_is_a_cut_and_heartbeats_are_not_silence() {
    let beating = (0..8).fold(Reply::stream().event(1, "run.started"), |reply, _| {
        reply.wait(100).piece(": heartbeat\n\n")
    });
    let replies = vec![
        beating.event(2, "run.waiting").hold(),
        Reply::stream().event(3, "run.cancelled").end(),
    ];
    let server = Scripted::replies(replies).await;
    let idle = Duration::from_millis(400);
    let mut watcher = server.watch_with(WatchOptions { idle, ..behind(0) });
    let started = Instant::now();
    assert_eq!(all(&mut watcher).await.unwrap().0, [1, 2, 3]);
    assert_eq!(server.asked(), ["stream?lastSeq=0", "stream?lastSeq=2"]);
    assert!(started.elapsed() >= idle + Duration::from_millis(800));

    let server = Scripted::replies(vec![Reply::stream().wait(2_000)]).await;
    let max_tries = Some(1);
    let mut watcher = server.watch_with(WatchOptions {
        idle,
        max_tries,
        ..behind(0)
    });
    let error = causes(&watcher.next().await.unwrap_err());
    assert!(error.ends_with("nothing came for 400ms"), "{error}");
}

#[tokio::test]
async fn a_quiet_run_is_followed_for_ever_and_an_empty_stream_is_not() {
    let idle = Duration::from_millis(300);
    let options = WatchOptions {
        idle,
        max_tries: Some(2),
        ..behind(0)
    };
    let mut replies: Vec<Reply> = (0..5)
        .map(|_| Reply::stream().wait(150).piece(":\n\n").end())
        .collect();
    replies.push(Reply::stream().event(1, "run.cancelled").end());
    let server = Scripted::replies(replies).await;
    assert_eq!(
        all(&mut server.watch_with(options.clone()))
            .await
            .unwrap()
            .0,
        [1]
    );

    let server = Scripted::replies(vec![Reply::stream().end(), Reply::stream().end()]).await;
    let error = server.watch_with(options).next().await.unwrap_err();
    let said = "gave up after 2 tries that brought nothing new: the stream ended at once";
    assert_eq!(causes(&error), said);
}

#[tokio::test]
async fn a_caller_may_drop_the_connection_and_look_at_events_unread() {
    let first = Reply::stream()
        .event(1, "run.started")
        .event(2, "run.waiting")
        .hold();
    let second = Reply::stream()
        .event(2, "run.danced")
        .event(3, "run.cancelled")
        .hold();
    let server = Scripted::replies(vec![first, second]).await;
    let token = Some(Secret::new("the-token".to_owned()));
    let mut watcher = server.watch_with(WatchOptions { token, ..behind(0) });
    let started = Instant::now();
    let mut kinds = Vec::new();
    while let Some(told) = watcher.next_raw().await.unwrap() {
        let Told::Event(raw) = told else { continue };
        assert_eq!(raw.seq, watcher.last());
        kinds.push(raw.kind);
        if kinds.len() == 1 {
            watcher.drop_connection();
        }
    }
    assert_eq!(kinds, ["run.started", "run.danced", "run.cancelled"]);
    assert_eq!(watcher.counts().reconnects, 1);
    assert!(started.elapsed() < Duration::from_millis(500));
    for head in server.heads() {
        let head = head.to_lowercase();
        assert!(head.contains("authorization: bearer the-token"), "{head}");
        assert!(head.contains("accept: text/event-stream"), "{head}");
    }
    assert!(!format!("{watcher:?}").contains("the-token"));
}
