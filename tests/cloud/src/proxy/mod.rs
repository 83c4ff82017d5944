//! Stands between the functions and the engine: counts every call of each function, refuses or
//! repeats calls when it is told to, and supplies the one thing the engine leaves out.
//!
//! `call` reads what a request asks for, `counts` adds up.

mod call;
mod counts;

pub use call::Call;
pub use counts::Counts;

use crate::http::{self, HttpError};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What is done to calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mischief {
    /// DynamoDB answers that it is asked too much: to this function, or with `*` to every one.
    pub dynamodb_refuses: Option<String>,
    /// Each message is put into the queue twice.
    pub messages_twice: bool,
}

/// What EventBridge Scheduler puts in place of this word when a schedule fires
/// (EventBridge Scheduler user guide, "Adding context attributes").
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// The proxy: one door for each function, so that it knows who asks. Dropping it closes them.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    doors: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    engine: String,
    counts: Mutex<BTreeMap<String, Counts>>,
    refused: Mutex<u64>,
    repeated: Mutex<u64>,
    mischief: Mutex<Mischief>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    /// A proxy in front of the engine at this address; no doors yet.
    pub fn new(engine: &str) -> Result<Self, HttpError> {
        Ok(Self {
            shared: Arc::new(Shared {
                engine: http::authority(engine)?,
                counts: Mutex::default(),
                refused: Mutex::default(),
                repeated: Mutex::default(),
                mischief: Mutex::default(),
            }),
            doors: Mutex::default(),
        })
    }

    /// Opens a door on 127.0.0.1 for the function of this name; where AWS is for it from now on.
    pub async fn door(&self, function: &str) -> std::io::Result<String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address: SocketAddr = listener.local_addr()?;
        let (shared, function) = (Arc::clone(&self.shared), Arc::from(function));
        let door = tokio::spawn(serve(listener, shared, function));
        lock(&self.doors).push(door);
        Ok(format!("http://{address}"))
    }

    /// What the function of this name has asked for so far.
    pub fn counts(&self, function: &str) -> Counts {
        let counts = lock(&self.shared.counts);
        counts.get(function).cloned().unwrap_or_default()
    }

    /// Calls that were refused, and messages that were repeated, so far.
    pub fn done(&self) -> (u64, u64) {
        (*lock(&self.shared.refused), *lock(&self.shared.repeated))
    }

    /// Says what is done to calls from now on.
    pub fn make(&self, mischief: Mischief) {
        *lock(&self.shared.mischief) = mischief;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.doors).iter().for_each(JoinHandle::abort);
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>, function: Arc<str>) {
    // Dropped with this task, and with it every connection.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, function) = (Arc::clone(&shared), Arc::clone(&function));
        connections.spawn(async move {
            let answer = service_fn(|request| pass(&shared, &function, request));
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
            // A broken connection is the function's end; there is nobody to tell.
            let _ = connection.await;
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn pass(
    shared: &Shared,
    function: &str,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(failed("the request broke off"));
    };
    let body = body.to_bytes();
    let call = Call::of(&head.method, &head.uri, &head.headers);
    let mischief = lock(&shared.mischief).clone();
    let refuses = mischief.dynamodb_refuses.as_deref();
    if call.service == "dynamodb" && refuses.is_some_and(|who| who == "*" || who == function) {
        *lock(&shared.refused) += 1;
        return Ok(throttled());
    }
    let body = prepared(&call, body);
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let ask = || forward(shared, &head.method, path, &head.headers, body.clone());
    let is_message = call.is("sqs", "SendMessage") || call.is("sqs", "SendMessageBatch");
    if mischief.messages_twice && is_message {
        *lock(&shared.repeated) += 1;
        // The second copy's fate is nobody's business: the first one counts.
        let _ = ask().await;
    }
    let answer = match ask().await {
        Ok(answer) => answer,
        Err(error) => return Ok(failed(&error.to_string())),
    };
    if (200..300).contains(&answer.status) {
        let counts = &mut *lock(&shared.counts);
        let counts = counts.entry(function.to_owned()).or_default();
        counts.note(&call, &body, &answer.json());
    }
    Ok(returned(answer))
}

/// Sends it on as it came, but for what belongs to this one connection.
async fn forward(
    shared: &Shared,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<http::Answer, HttpError> {
    let mut request = http::request(method.as_str(), path, &[], body.clone());
    *request.headers_mut() = headers.clone();
    let own = ["connection", "transfer-encoding", "content-length"];
    own.iter().for_each(|name| {
        request.headers_mut().remove(*name);
    });
    request
        .headers_mut()
        .insert(CONTENT_LENGTH, body.len().into());
    http::send(&shared.engine, request).await
}

/// DynamoDB is asked what it bills. A schedule that fires once is given the moment at which it fires,
/// because the engine does not know the word for it.
fn prepared(call: &Call, body: Bytes) -> Bytes {
    let read = || serde_json::from_slice::<Value>(&body).ok();
    if call.service == "dynamodb"
        && let Some(Value::Object(mut asked)) = read()
    {
        asked.insert("ReturnConsumedCapacity".to_owned(), json!("TOTAL"));
        return Bytes::from(Value::Object(asked).to_string());
    }
    let arms = call.is("scheduler", "CreateSchedule") || call.is("scheduler", "UpdateSchedule");
    if arms && let Some(mut asked) = read() {
        let expression = asked["ScheduleExpression"].as_str().unwrap_or_default();
        let moment = expression
            .strip_prefix("at(")
            .and_then(|rest| rest.strip_suffix(')'))
            .map(|moment| format!("{moment}Z"));
        let input = asked["Target"]["Input"].as_str();
        if let (Some(moment), Some(input)) = (moment, input) {
            asked["Target"]["Input"] = json!(input.replace(SCHEDULED_TIME, &moment));
        }
        return Bytes::from(asked.to_string());
    }
    body
}

fn returned(answer: http::Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body.clone()));
    *response.status_mut() = answer.status.try_into().unwrap_or_default();
    let own = ["connection", "transfer-encoding", "content-length"];
    for (name, value) in &answer.headers {
        let name = hyper::header::HeaderName::try_from(name.as_str());
        let value = hyper::header::HeaderValue::try_from(value.as_str());
        if let (Ok(name), Ok(value)) = (name, value)
            && !own.contains(&name.as_str())
            // The body is as it was; a checksum over what came from the engine still holds.
            && name != "date"
        {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// How DynamoDB says that a table is asked for more than it gives.
fn throttled() -> Response<Full<Bytes>> {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded.",
    });
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = hyper::StatusCode::BAD_REQUEST;
    let content = hyper::header::HeaderValue::from_static("application/x-amz-json-1.0");
    response.headers_mut().insert("content-type", content);
    response
}

fn failed(why: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(why.to_owned())));
    *response.status_mut() = hyper::StatusCode::BAD_GATEWAY;
    response
}

#[cfg(test)]
mod tests;
