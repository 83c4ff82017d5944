//! The loop that accepts connections: slow heads, slow bodies, too many at once, and a stop.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use lattice_api::server::{ServerSettings, serve};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// More than the system takes for a connection that is not read.
const LARGE: usize = 16 << 20;

struct Running {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
}

async fn run(settings: ServerSettings) -> Running {
    let router = Router::new()
        .route("/", get(|| async { "here" }))
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                "late"
            }),
        )
        .route("/large", get(|| async { "x".repeat(LARGE) }))
        .route(
            "/body",
            post(|body: Bytes| async move { body.len().to_string() }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = watch::Sender::new(false);
    let serving = tokio::spawn(serve(listener, router, settings, stop.subscribe()));
    Running {
        address,
        stop,
        serving,
    }
}

impl Running {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

/// Everything until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let settings = ServerSettings {
        head_ms_max: 30,
        ..ServerSettings::default()
    };
    let server = run(settings).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    // It drips on: each letter alone would be in time.
    let dripping = tokio::spawn(async move {
        let mut letters = 0;
        while slow.write_all(b"x").await.is_ok() && letters < 10_000 {
            letters += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        letters
    });
    assert!(server.ask(GET).await.ends_with("here"));
    assert!(dripping.await.unwrap() < 10_000, "it was let drip");
}

#[tokio::test]
async fn more_connections_than_there_is_room_for_are_told_to_come_back() {
    let settings = ServerSettings {
        connections_max: 1,
        ..ServerSettings::default()
    };
    let server = run(settings).await;
    let mut first = server.connect().await;
    first
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut begun = [0; 15];
    first.read_exact(&mut begun).await.unwrap();
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    let refused = server.ask(GET).await;
    assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
    assert!(
        refused.contains("retry-after: 1") && refused.contains("LAT-A050"),
        "{refused}"
    );
    drop(first);
    loop {
        let answer = server.ask(GET).await;
        if answer.ends_with("here") {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_finish_and_takes_nothing_new() {
    let server = run(ServerSettings::default()).await;
    let mut under_way = server.connect().await;
    under_way
        .write_all(b"GET /slow HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut begun = [0; 12];
    idle.read_exact(&mut begun).await.unwrap();
    tokio::time::sleep(Duration::from_millis(10)).await;
    server.stop.send_replace(true);
    assert!(rest(&mut under_way).await.ends_with("late"));
    assert!(rest(&mut idle).await.ends_with("here"));
    server.serving.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_not_kept() {
    let settings = ServerSettings {
        stall_ms_max: 60,
        ..ServerSettings::default()
    };
    let server = run(settings).await;
    let mut stuck = server.connect().await;
    stuck
        .write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let answer = rest(&mut stuck).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer:.40}");
    assert!(answer.len() < LARGE, "all {} bytes came", answer.len());
    // One that reads gets all of it.
    let whole = server
        .ask("GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(whole.len() > LARGE);
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = run(ServerSettings::default()).await;
    let mut stream = server.connect().await;
    for body in ["", "abc"] {
        let request = format!(
            "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let wanted = format!("\r\n\r\n{}", body.len());
        let mut answer = String::new();
        while !answer.ends_with(&wanted) {
            let mut bytes = [0; 256];
            let count = stream.read(&mut bytes).await.unwrap();
            assert!(count > 0, "{answer}");
            answer += std::str::from_utf8(&bytes[..count]).unwrap();
        }
    }
}
