//! Requests to the server under test, each over a connection of its own.

use crate::error::ServedError;
use crate::metrics::Metrics;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::HeaderValue;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use lattice_journal::Event;
use lattice_model::limits::PAGE_EVENTS_MAX;
use lattice_model::{RunId, Seq};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take: longer than the server gives itself.
const PATIENCE: Duration = Duration::from_secs(35);

/// Asks one server.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    address: SocketAddr,
}

/// A run was started.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The run.
    pub run_id: RunId,
    /// Whether it was there already under the same key.
    pub known: bool,
}

#[derive(Deserialize)]
struct Accepted {
    known: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Event>,
    last_seq: Seq,
    more: bool,
}

impl Ask {
    /// Asks the server at this address.
    pub fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Stores a workflow under its id, if there is none yet.
    pub async fn store(&self, document: &Value) -> Result<(), ServedError> {
        let id = document["id"].as_str().unwrap_or_default();
        let path = format!("/v1/workflows/{id}");
        match self.send(Method::PUT, &path, Some(document)).await {
            Ok(_) | Err(ServedError::Refused { status: 412, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Starts a run.
    pub async fn start(
        &self,
        workflow: &str,
        key: &str,
        input: Value,
    ) -> Result<Started, ServedError> {
        let body = json!({ "workflowId": workflow, "idempotencyKey": key, "input": input });
        self.json(Method::POST, "/v1/runs", Some(&body)).await
    }

    /// Answers a question; says whether the answer was known already under its key.
    pub async fn answer(
        &self,
        run: &RunId,
        node: &str,
        value: &str,
        key: &str,
    ) -> Result<bool, ServedError> {
        let body = json!({ "node": node, "value": value, "idempotencyKey": key });
        let path = format!("/v1/runs/{run}/signal");
        let accepted: Accepted = self.json(Method::POST, &path, Some(&body)).await?;
        Ok(accepted.known)
    }

    /// The whole log as it is stored, page by page.
    pub async fn log(&self, run: &RunId) -> Result<Vec<Event>, ServedError> {
        let mut events = Vec::new();
        let mut after = Seq::ZERO;
        loop {
            let path = format!("/v1/runs/{run}/events?lastSeq={after}&limit={PAGE_EVENTS_MAX}");
            let page: Page = self.json(Method::GET, &path, None).await?;
            events.extend(page.events);
            after = page.last_seq;
            if !page.more {
                return Ok(events);
            }
        }
    }

    /// The counters.
    pub async fn metrics(&self) -> Result<Metrics, ServedError> {
        let text = self.send(Method::GET, "/metrics", None).await?;
        Ok(Metrics::parse(&String::from_utf8_lossy(&text)))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, ServedError> {
        let bytes = self.send(method, path, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| ServedError::Refused {
            asked: path.to_owned(),
            status: 200,
            body: format!("not what is expected: {error}"),
        })
    }

    /// Sends one request; the body of a good answer.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Bytes, ServedError> {
        let asked = format!("{method} {path}");
        let request = self.request(method, path, body);
        let stream = match TcpStream::connect(self.address).await {
            Ok(stream) => stream,
            Err(error) => {
                let why = error.to_string();
                return Err(ServedError::Unreachable { asked, why });
            }
        };
        let answered = match timeout(PATIENCE, exchange(stream, request)).await {
            Ok(answered) => answered.map_err(|error| error.to_string()),
            Err(_) => Err(format!("nothing within {PATIENCE:?}")),
        };
        match answered {
            Ok((200..300, bytes)) => Ok(bytes),
            Ok((status, bytes)) => Err(ServedError::Refused {
                asked,
                status,
                body: String::from_utf8_lossy(&bytes).into_owned(),
            }),
            Err(why) => Err(ServedError::Lost { asked, why }),
        }
    }

    fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Request<Full<Bytes>> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::new(Full::new(Bytes::from(bytes)));
        let only_new = method == Method::PUT;
        *request.method_mut() = method;
        // INVARIANT: paths and addresses are made here and are legal.
        *request.uri_mut() = path.parse().unwrap_or_default();
        let headers = request.headers_mut();
        if let Ok(host) = self.address.to_string().parse() {
            headers.insert("host", host);
        }
        if body.is_some() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        if only_new {
            headers.insert("if-none-match", HeaderValue::from_static("*"));
        }
        request
    }
}

async fn exchange(
    stream: TcpStream,
    request: Request<Full<Bytes>>,
) -> Result<(u16, Bytes), hyper::Error> {
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    Ok((status, body))
}
