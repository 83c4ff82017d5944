//! A server that writes, byte by byte, what a test tells it to.
#![allow(dead_code, clippy::unwrap_used)]

use lattice_client::{Server, Told, WatchError, WatchOptions, Watcher};
use lattice_model::{RunId, Seq};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

pub const RUN: &str = "run_00000000000000000000000000";

pub fn run() -> RunId {
    RUN.parse().unwrap()
}

enum Act {
    Send(Vec<u8>),
    Wait(Duration),
    /// Nothing more, and the connection stays.
    Hold,
}

/// What the server does on one connection; it closes at the end.
pub struct Reply(Vec<Act>);

impl Reply {
    /// A whole answer.
    pub fn whole(status: u16, kind: &str, body: &str) -> Self {
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        Self(vec![Act::Send((head + body).into_bytes())])
    }

    pub fn bare(status: u16) -> Self {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        Self(vec![Act::Send(head.into_bytes())])
    }

    /// An error answer of the API.
    pub fn problem(status: u16, title: &str) -> Self {
        let body = json!({"type": "about:blank", "title": title, "status": status,
            "detail": "as the test wants it", "code": "A-CODE", "help": "ask for another"});
        let kind = "application/problem+json; charset=utf-8";
        Self::whole(status, kind, &body.to_string())
    }

    /// An answer to be sent with this header too.
    pub fn with_header(mut self, header: &str) -> Self {
        if let Some(Act::Send(bytes)) = self.0.first_mut() {
            let line = bytes.windows(2).position(|two| two == b"\r\n").unwrap() + 2;
            bytes.splice(line..line, format!("{header}\r\n").into_bytes());
        }
        self
    }

    /// The beginning of a stream. `end` ends it well; without that it is cut.
    pub fn stream() -> Self {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
            transfer-encoding: chunked\r\n\r\n";
        Self(vec![Act::Send(head.as_bytes().to_vec())]).piece("retry: 100\n\n")
    }

    pub fn piece(mut self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
        chunk.extend_from_slice(bytes);
        chunk.extend_from_slice(b"\r\n");
        self.0.push(Act::Send(chunk));
        self
    }

    pub fn event(self, seq: u64, kind: &str) -> Self {
        self.piece(frame(&event(seq, kind)))
    }

    pub fn end(mut self) -> Self {
        self.0.push(Act::Send(b"0\r\n\r\n".to_vec()));
        self
    }

    pub fn wait(mut self, ms: u64) -> Self {
        self.0.push(Act::Wait(Duration::from_millis(ms)));
        self
    }

    pub fn hold(mut self) -> Self {
        self.0.push(Act::Hold);
        self
    }

    async fn perform(self, connection: &mut TcpStream) -> std::io::Result<()> {
        for act in self.0 {
            match act {
                Act::Send(bytes) => connection.write_all(&bytes).await?,
                Act::Wait(time) => tokio::time::sleep(time).await,
                Act::Hold => {
                    let mut nothing = [0; 64];
                    while connection.read(&mut nothing).await? > 0 {}
                }
            }
        }
        Ok(())
    }
}

pub struct Scripted {
    pub base: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Scripted {
    /// One reply for each connection, in order; one connection too many fails the test.
    pub async fn replies(replies: Vec<Reply>) -> Self {
        let mut replies = replies.into_iter();
        let too_many = || Reply::problem(400, "one connection too many");
        Self::start(move |_| replies.next().unwrap_or_else(too_many)).await
    }

    /// Replies to each request, of which it gets the head.
    pub async fn start(answer: impl FnMut(&str) -> Reply + Send + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), answer)
    }

    pub fn on(
        listener: TcpListener,
        mut answer: impl FnMut(&str) -> Reply + Send + 'static,
    ) -> Self {
        let base = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                connection.set_nodelay(true).unwrap();
                let head = head(&mut connection).await;
                let reply = answer(&head);
                log.lock().unwrap().push(head);
                tokio::spawn(async move { reply.perform(&mut connection).await });
            }
        });
        Self {
            base,
            requests,
            task,
        }
    }

    /// The targets of the requests, behind the run's own path.
    pub fn asked(&self) -> Vec<String> {
        let heads = self.heads();
        let target = |head: &String| head.split(' ').nth(1).unwrap().to_owned();
        let run = format!("/v1/runs/{RUN}/");
        heads
            .iter()
            .map(target)
            .map(|path| path.replace(&run, ""))
            .collect()
    }

    pub fn heads(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// A watcher without jitter that does not try for ever.
    pub fn watch(&self) -> Watcher {
        self.watch_with(WatchOptions {
            max_tries: Some(5),
            ..WatchOptions::default()
        })
    }

    pub fn watch_with(&self, options: WatchOptions) -> Watcher {
        let server = Server::new(&self.base).unwrap();
        server.watch(run(), options).unwrap().with_chance(|| 0)
    }
}

async fn head(connection: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Options for a run whose first events the caller has.
pub fn behind(from: u64) -> WatchOptions {
    WatchOptions {
        from: Seq::from_stored(from),
        max_tries: Some(5),
        ..WatchOptions::default()
    }
}

pub fn event(seq: u64, kind: &str) -> Value {
    let payload = match kind {
        "run.cancelled" => {
            json!({"totals": {"attempts": 0, "stages": 0, "usage": {"inputTokens": 0, "outputTokens": 0}}})
        }
        "variable.set" => json!({"stage": "s", "name": "é", "value": {"inline": "日本 🦀"}}),
        _ => json!({}),
    };
    json!({
        "eventVersion": 1, "runId": RUN, "seq": seq, "timestamp": "2026-01-02T03:04:05.678Z",
        "type": kind, "payload": payload,
    })
}

pub fn frame(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap();
    format!("id: {}\nevent: {kind}\ndata: {event}\n\n", event["seq"])
}

pub fn page(seqs: std::ops::RangeInclusive<u64>, kind: &str) -> String {
    let events: Vec<Value> = seqs.clone().map(|seq| event(seq, kind)).collect();
    json!({"events": events, "lastSeq": seqs.end(), "more": false, "over": false}).to_string()
}

/// Follows to the end: the places that were told, and the text.
pub async fn all(watcher: &mut Watcher) -> Result<(Vec<u64>, String), WatchError> {
    let (mut seqs, mut said) = (Vec::new(), String::new());
    while let Some(told) = watcher.next().await? {
        match told {
            Told::Event(event) => seqs.push(event.seq.get()),
            Told::Text(text) => said.push_str(&text.text),
        }
    }
    Ok((seqs, said))
}

/// An error with all its causes.
pub fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", causes(source)),
        None => error.to_string(),
    }
}
