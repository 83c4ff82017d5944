//! Runs the stream function's own program behind a small Lambda runtime API that streams. The engine
//! gives a streamed answer only when it is whole; here each piece goes to the reader as it is
//! written, and a reader who hangs up does not stop the function, as on AWS.

use super::wrong::Wrong;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

type Body = BoxBody<Bytes, Infallible>;

/// Between the head of a streamed answer and its body.
const DELIMITER: [u8; 8] = [0; 8];
/// What the function may take for one answer.
const TIME_MS: u64 = 130_000;

/// The function, served over HTTP. Dropping it ends it.
#[derive(Debug)]
pub struct Host {
    /// What stands before `/v1`.
    pub base: String,
    /// `host:port` of the runtime interface.
    runtime: String,
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
    processes: Vec<Child>,
}

#[derive(Debug)]
struct Shared {
    asks: mpsc::UnboundedSender<Ask>,
    waiting: tokio::sync::Mutex<mpsc::UnboundedReceiver<Ask>>,
    open: Mutex<BTreeMap<String, oneshot::Sender<Response<Body>>>>,
    count: AtomicU64,
    given: AtomicU64,
    finished: AtomicU64,
}

#[derive(Debug)]
struct Ask {
    event: Value,
    answer: oneshot::Sender<Response<Body>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Host {
    /// Listens; nobody answers yet.
    pub async fn listen() -> Result<Self, Wrong> {
        let (asks, waiting) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            asks,
            waiting: tokio::sync::Mutex::new(waiting),
            open: Mutex::default(),
            count: AtomicU64::new(0),
            given: AtomicU64::new(0),
            finished: AtomicU64::new(0),
        });
        let bind = async || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let io = |error| Wrong::Io("no port for the stream function", error);
        let (front, inner) = (bind().await.map_err(io)?, bind().await.map_err(io)?);
        Ok(Self {
            base: format!("http://{}", front.local_addr().map_err(io)?),
            runtime: inner.local_addr().map_err(io)?.to_string(),
            tasks: vec![
                tokio::spawn(accept(front, Arc::clone(&shared), false)),
                tokio::spawn(accept(inner, Arc::clone(&shared), true)),
            ],
            shared,
            processes: Vec::new(),
        })
    }

    /// Starts as many processes of the function as there may be readers at once.
    pub fn run(
        &mut self,
        program: &Path,
        environment: &BTreeMap<String, String>,
        readers: usize,
    ) -> Result<(), Wrong> {
        for _ in 0..readers {
            let process = Command::new(program)
                .envs(environment)
                .env("AWS_LAMBDA_RUNTIME_API", &self.runtime)
                .env("AWS_LAMBDA_FUNCTION_NAME", "stream-by-hand")
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
                .env("AWS_REGION", "us-east-1")
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test")
                .stdout(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .map_err(|error| Wrong::Io("the stream function", error))?;
            self.processes.push(process);
        }
        Ok(())
    }

    /// Answers that were asked for, and those that the function has written to their end.
    pub fn counts(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.shared.count), read(&self.shared.finished))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, is_runtime: bool) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move {
                    Ok::<_, Infallible>(match is_runtime {
                        true => runtime(&shared, request).await,
                        false => front(&shared, &request).await,
                    })
                }
            });
            // A broken connection is the other side's choice; there is nobody to tell.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

/// A reader's request becomes an event of a function URL.
async fn front(shared: &Shared, request: &Request<Incoming>) -> Response<Body> {
    let headers: BTreeMap<&str, &str> = request
        .headers()
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
        .collect();
    let (uri, method) = (request.uri(), request.method().as_str());
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": uri.path(),
        "rawQueryString": uri.query().unwrap_or_default(), "headers": headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "url", "domainName": "url.on.aws",
            "domainPrefix": "url", "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 0,
            "http": {"method": method, "path": uri.path(), "protocol": "HTTP/1.1",
                     "sourceIp": "127.0.0.1", "userAgent": "test"},
        },
        "isBase64Encoded": false,
    });
    let (answer, answered) = oneshot::channel();
    shared.count.fetch_add(1, Ordering::Relaxed);
    let asked = shared.asks.send(Ask { event, answer });
    match (asked, answered.await) {
        (Ok(()), Ok(response)) => response,
        _ => plain(502, Bytes::new()),
    }
}

/// The function asks for work, or answers.
async fn runtime(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        return next(shared).await;
    }
    let id = path.split('/').rev().nth(1).unwrap_or_default();
    let answer = lock(&shared.open).remove(id);
    if path.ends_with("/response")
        && let Some(answer) = answer
    {
        deliver(request.into_body(), answer).await;
        shared.finished.fetch_add(1, Ordering::Relaxed);
    }
    plain(202, Bytes::new())
}

async fn next(shared: &Arc<Shared>) -> Response<Body> {
    let Some(ask) = shared.waiting.lock().await.recv().await else {
        return plain(500, Bytes::new());
    };
    let id = format!("request-{}", shared.given.fetch_add(1, Ordering::Relaxed));
    lock(&shared.open).insert(id.clone(), ask.answer);
    let mut response = plain(200, Bytes::from(ask.event.to_string()));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let deadline = now + Duration::from_millis(TIME_MS);
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            deadline.as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:stream-by-hand".to_owned(),
        ),
    ];
    for (name, value) in headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Passes the answer on as it comes. Without a reader it is read to its end all the same.
async fn deliver(mut body: Incoming, answer: oneshot::Sender<Response<Body>>) {
    let (pieces, mut sent) = mpsc::channel::<Bytes>(16);
    let (mut head, mut answer) = (Vec::new(), Some((answer, pieces.clone())));
    let stream = futures::stream::poll_fn(move |context| sent.poll_recv(context));
    let mut stream = Some(StreamBody::new(futures::StreamExt::map(stream, |piece| {
        Ok::<_, Infallible>(Frame::data(piece))
    })));
    while let Some(Ok(frame)) = body.frame().await {
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if answer.is_none() {
            // An error means that the reader has gone.
            let _ = pieces.send(piece).await;
            continue;
        }
        head.extend_from_slice(&piece);
        let Some(at) = head.windows(DELIMITER.len()).position(|w| w == DELIMITER) else {
            continue;
        };
        let rest = Bytes::copy_from_slice(head.get(at + DELIMITER.len()..).unwrap_or_default());
        if let (Some((answer, pieces)), Some(stream)) = (answer.take(), stream.take()) {
            let head = serde_json::from_slice(head.get(..at).unwrap_or_default());
            let response = begun(&head.unwrap_or_default(), BodyExt::boxed(stream));
            let _ = answer.send(response);
            if !rest.is_empty() {
                let _ = pieces.send(rest).await;
            }
        }
    }
}

/// The head of an answer: `{"statusCode": .., "headers": {..}}`.
fn begun(head: &Value, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let status = head["statusCode"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let status = status.and_then(|status| hyper::StatusCode::from_u16(status).ok());
    *response.status_mut() = status.unwrap_or(hyper::StatusCode::BAD_GATEWAY);
    for (name, value) in head["headers"].as_object().into_iter().flatten() {
        let name = hyper::header::HeaderName::try_from(name.as_str());
        let value = value.as_str().unwrap_or_default().parse();
        if let (Ok(name), Ok(value)) = (name, value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn plain(status: u16, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body).boxed());
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::http;

    /// A function that writes two pieces, the second one when it is told to.
    async fn function(runtime: String, mut go_on: mpsc::Receiver<()>) {
        let ask = http::request(
            "GET",
            "/2018-06-01/runtime/invocation/next",
            &[("host", "r")],
            "",
        );
        let event = http::send(&runtime, ask).await.unwrap();
        assert_eq!(event.json()["rawPath"], "/v1/x");
        let id = event
            .header("lambda-runtime-aws-request-id")
            .unwrap()
            .to_owned();
        let mut first = br#"{"statusCode":203,"headers":{"x-a":"b"}}"#.to_vec();
        first.extend_from_slice(&DELIMITER);
        first.push(b'a');
        let (pieces, mut sent) = mpsc::channel::<Bytes>(4);
        let stream = futures::stream::poll_fn(move |context| sent.poll_recv(context));
        let body = StreamBody::new(futures::StreamExt::map(stream, |piece| {
            Ok::<_, Infallible>(Frame::data(piece))
        }));
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "r");
        let request = request.body(body).unwrap();
        let stream = tokio::net::TcpStream::connect(&runtime).await.unwrap();
        let made = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = made.unwrap();
        tokio::spawn(connection);
        let writing = async {
            pieces.send(Bytes::from(first)).await.unwrap();
            go_on.recv().await;
            pieces.send(Bytes::from_static(b"b")).await.unwrap();
            drop(pieces);
        };
        let (answer, ()) = tokio::join!(sender.send_request(request), writing);
        assert_eq!(answer.unwrap().status(), 202);
    }

    async fn host() -> (Host, mpsc::Sender<()>, JoinHandle<()>) {
        let host = Host::listen().await.unwrap();
        let (go_on, going) = mpsc::channel(1);
        let function = tokio::spawn(function(host.runtime.clone(), going));
        (host, go_on, function)
    }

    async fn open(host: &Host) -> Response<Incoming> {
        let at = http::authority(&host.base).unwrap();
        let ask = http::request("GET", "/v1/x", &[("host", &at)], "");
        http::open(&at, ask).await.unwrap()
    }

    async fn piece(response: &mut Response<Incoming>) -> Bytes {
        response
            .frame()
            .await
            .unwrap()
            .unwrap()
            .into_data()
            .unwrap()
    }

    #[tokio::test]
    async fn each_piece_comes_before_the_next_is_written() {
        let (host, go_on, function) = host().await;
        let mut response = open(&host).await;
        assert_eq!(response.status(), 203);
        assert_eq!(response.headers().get("x-a").unwrap(), "b");
        assert_eq!(piece(&mut response).await, "a");
        assert_eq!(host.counts(), (1, 0));
        go_on.send(()).await.unwrap();
        assert_eq!(piece(&mut response).await, "b");
        assert!(response.frame().await.is_none());
        function.await.unwrap();
        assert_eq!(host.counts(), (1, 1));
    }

    #[tokio::test]
    async fn a_reader_who_hangs_up_does_not_stop_the_function() {
        let (host, go_on, function) = host().await;
        let mut response = open(&host).await;
        assert_eq!(piece(&mut response).await, "a");
        drop(response);
        go_on.send(()).await.unwrap();
        function.await.unwrap();
        assert_eq!(host.counts(), (1, 1));
    }
}
