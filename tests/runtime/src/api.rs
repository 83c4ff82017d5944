//! The server: one event at a time, as Lambda has it.

use crate::{RuntimeError, io};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What came back for an event.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The pieces, each with the time since the event was handed out.
    pub pieces: Vec<(Duration, Bytes)>,
    /// Whether the function reported an error instead of an answer.
    pub failed: bool,
    /// Its media type: a streamed answer has its own.
    pub media: String,
}

impl Answer {
    /// All of it.
    pub fn text(&self) -> String {
        let bytes: Vec<u8> = self
            .pieces
            .iter()
            .flat_map(|(_, piece)| piece.to_vec())
            .collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

struct Event {
    body: Bytes,
    lasts: Duration,
}

struct Shared {
    events: Mutex<mpsc::UnboundedReceiver<Event>>,
    answers: mpsc::UnboundedSender<Answer>,
    polled: Notify,
    given: Mutex<Option<Instant>>,
}

/// Lambda's Runtime API for one function.
pub struct RuntimeApi {
    address: SocketAddr,
    events: mpsc::UnboundedSender<Event>,
    answers: Mutex<mpsc::UnboundedReceiver<Answer>>,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl RuntimeApi {
    /// Listens on this machine.
    pub async fn bind() -> Result<Self, RuntimeError> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.map_err(io("no port to listen on"))?;
        let address = listener.local_addr().map_err(io("no port to listen on"))?;
        let (events, queued) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            events: Mutex::new(queued),
            answers: answered,
            polled: Notify::new(),
            given: Mutex::new(None),
        });
        let serving = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            events,
            answers: Mutex::new(answers),
            shared,
            serving,
        })
    }

    /// Where it listens, for `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends when the function asks for an event for the first time.
    pub async fn polled(&self) {
        self.shared.polled.notified().await;
    }

    /// Hands out an event of an invocation that lasts so long, and waits for what comes back.
    pub async fn invoke(&self, event: &str, lasts: Duration) -> Option<Answer> {
        let mut answers = self.answers.lock().await;
        let body = Bytes::from(event.to_owned());
        self.events.send(Event { body, lasts }).ok()?;
        answers.recv().await
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| {
            let shared = Arc::clone(&shared);
            async move { Ok::<_, Infallible>(serve(&shared, request).await) }
        });
        let serving = hyper::server::conn::http1::Builder::new();
        let serving = serving.serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A function that was ended leaves its connection.
            let _ = serving.await;
        });
    }
}

async fn serve(shared: &Shared, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    match (request.method(), path.rsplit('/').next()) {
        (&Method::GET, Some("next")) => next(shared).await,
        (&Method::POST, Some("response")) => take(shared, request, false).await,
        (&Method::POST, Some("error")) => take(shared, request, true).await,
        _ => with_status(StatusCode::NOT_FOUND),
    }
}

async fn next(shared: &Shared) -> Response<Full<Bytes>> {
    shared.polled.notify_one();
    let Some(event) = shared.events.lock().await.recv().await else {
        return with_status(StatusCode::GONE);
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let ends = (now.unwrap_or_default() + event.lasts).as_millis();
    *shared.given.lock().await = Some(Instant::now());
    let response = Response::builder()
        .header(
            "lambda-runtime-aws-request-id",
            "11111111-2222-3333-4444-555555555555",
        )
        .header("lambda-runtime-deadline-ms", ends.to_string())
        .header(
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:123456789012:function:tried",
        )
        .body(Full::new(event.body));
    response.unwrap_or_else(|_| with_status(StatusCode::INTERNAL_SERVER_ERROR))
}

async fn take(shared: &Shared, request: Request<Incoming>, failed: bool) -> Response<Full<Bytes>> {
    let given = shared.given.lock().await.unwrap_or_else(Instant::now);
    let media = request.headers().get("content-type");
    let media = media.and_then(|media| media.to_str().ok());
    let mut answer = Answer {
        failed,
        media: media.unwrap_or_default().to_owned(),
        pieces: Vec::new(),
    };
    let mut body = request.into_body();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(piece) = frame.into_data() {
            answer.pieces.push((given.elapsed(), piece));
        }
    }
    // Nobody waits for it any more when the test has ended.
    let _ = shared.answers.send(answer);
    with_status(StatusCode::ACCEPTED)
}

fn with_status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
    *response.status_mut() = status;
    response
}
