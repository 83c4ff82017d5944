//! What a server should not answer, and what a watcher says about it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use lattice_client::{Told, WatchError, WatchOptions};

#[tokio::test]
async fn a_page_without_the_missing_event_is_a_failure_and_not_an_endless_loop() {
    let empty = r#"{"events":[],"lastSeq":0,"more":false,"over":false}"#.to_owned();
    let pages = [
        (empty, 1),
        (page(2..=2, "run.waiting"), 1),
        // This one helps once: then the next event is missing.
        (page(1..=1, "run.waiting"), 2),
    ];
    for (page, missing) in pages {
        let server = Scripted::start(move |head| match head.contains("/stream?") {
            true => Reply::stream().event(3, "run.waiting").hold(),
            false => Reply::whole(200, "application/json", &page),
        });
        let server = server.await;
        let max_tries = Some(2);
        let mut watcher = server.watch_with(WatchOptions {
            max_tries,
            ..behind(0)
        });
        let told = all(&mut watcher).await;
        let Err(WatchError::GaveUp { tries: 2, last }) = told else {
            panic!("{told:?}");
        };
        assert_eq!(last.to_string(), format!("event `{missing}` is missing"));
        assert_eq!(watcher.last().get() + 1, missing);
        assert!(server.asked().len() <= 5, "{:?}", server.asked());
    }
}

#[tokio::test]
async fn a_page_with_a_hole_and_a_stream_that_was_wrong_once_are_got_over() {
    let json = "application/json";
    let mut holed = page(1..=4, "run.waiting");
    holed = holed.replace("\"seq\":2", "\"seq\":9");
    let replies = vec![
        Reply::stream().event(4, "run.waiting").hold(),
        Reply::whole(200, json, &holed),
        Reply::whole(200, json, &page(2..=4, "run.waiting")),
        // It told of an event that there never was; the next stream is asked, not believed.
        Reply::whole(200, json, &page(2..=4, "run.waiting")),
        Reply::stream().event(5, "run.cancelled").end(),
    ];
    let server = Scripted::replies(replies).await;
    assert_eq!(all(&mut server.watch()).await.unwrap().0, [1, 2, 3, 4, 5]);
    let asked = server.asked();
    assert_eq!(asked.last().unwrap(), "stream?lastSeq=4", "{asked:?}");
}

#[tokio::test]
async fn a_refusal_stops_at_once_and_says_what_the_server_said() {
    for status in [301, 400, 401, 403, 404, 409, 410] {
        let server = Scripted::replies(vec![Reply::problem(status, "no")]).await;
        let error = server.watch().next().await.unwrap_err();
        let said = "no; as the test wants it; ask for another (`A-CODE`)";
        assert_eq!(
            error.to_string(),
            format!("the server answered {status}: {said}")
        );
        assert_eq!(server.asked().len(), 1);
    }
    let server = Scripted::replies(vec![Reply::whole(404, "text/html", "<h1>")]).await;
    let error = server.watch().next().await.unwrap_err();
    assert_eq!(error.to_string(), "the server answered 404");
}

#[tokio::test]
async fn what_cannot_be_read_stops_with_a_clear_error_and_is_not_skipped() {
    let (mut unknown, mut foreign) = (event(2, "run.waiting"), event(2, "run.waiting"));
    unknown["type"] = "run.danced".into();
    foreign["runId"] = "run_00000000000000000000000001".into();
    let odd: Vec<(Vec<u8>, &str)> = vec![
        (
            b"id: 2\nevent: run.waiting\ndata: {oops\n\n".into(),
            "event `2` cannot be read",
        ),
        (
            b"id: two\nevent: run.waiting\ndata: {}\n\n".into(),
            "`two` is not the place",
        ),
        (
            b"event: llm.chunk\ndata: {}\n\n".into(),
            "a piece of text cannot be read",
        ),
        (
            b"id: 2\nevent: run.waiting\ndata: \xff\n\n".into(),
            "the stream is not UTF-8",
        ),
        (frame(&unknown).into(), "unknown event type `run.danced`"),
        (
            frame(&foreign).into(),
            "event `2` is of run `run_00000000000000000000000001`",
        ),
    ];
    for (bytes, said) in odd {
        let stream = || Reply::stream().event(1, "run.started").piece(&bytes).hold();
        let server = Scripted::replies(vec![stream(), stream()]).await;
        let mut watcher = server.watch();
        assert!(matches!(watcher.next().await, Ok(Some(Told::Event(_)))));
        for _ in 0..2 {
            let error = causes(&watcher.next().await.unwrap_err());
            assert!(error.contains(said), "{said}: {error}");
            assert_eq!(watcher.last().get(), 1);
        }
    }
}

#[tokio::test]
async fn another_kind_of_answer_is_named() {
    let login = || Reply::whole(200, "text/html; charset=utf-8", "<h1>sign in</h1>");
    let server = Scripted::replies(vec![login()]).await;
    let error = server.watch().next().await.unwrap_err().to_string();
    let said = "answered with `text/html` where `text/event-stream` was expected";
    assert!(error.contains(said), "{error}");

    let gap = Reply::stream().event(2, "run.waiting").hold();
    let server = Scripted::replies(vec![gap, login()]).await;
    let error = server.watch().next().await.unwrap_err().to_string();
    assert!(
        error.contains("where `application/json` was expected"),
        "{error}"
    );
}

#[tokio::test]
async fn endless_frames_lines_and_pages_are_refused() {
    let long = "x".repeat(1024 * 1024);
    let too_long = "the server sent more than 4194304 bytes in one piece";
    for beginning in ["id: 1\nevent: run.started\ndata: ", ": ", "unknown: "] {
        let stream = (0..5).fold(Reply::stream().piece(beginning), |reply, _| {
            reply.piece(&long)
        });
        let server = Scripted::replies(vec![stream.hold()]).await;
        let error = server.watch().next().await.unwrap_err();
        assert_eq!(error.to_string(), too_long, "{beginning}");
    }
    let gap = Reply::stream().event(2, "run.waiting").hold();
    let page = Reply::whole(200, "application/json", &long.repeat(5));
    let server = Scripted::replies(vec![gap, page]).await;
    assert_eq!(
        server.watch().next().await.unwrap_err().to_string(),
        too_long
    );

    // Many frames together may be longer than any one of them may be.
    let mut stream = Reply::stream();
    for seq in 1..=6 {
        let mut event = event(seq, "variable.set");
        event["payload"]["value"]["inline"] = long.as_str().into();
        stream = stream.piece(frame(&event));
    }
    let server = Scripted::replies(vec![stream.event(7, "run.cancelled").end()]).await;
    assert_eq!(all(&mut server.watch()).await.unwrap().0.len(), 7);
}
