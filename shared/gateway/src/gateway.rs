//! One function's share of the API: takes a request as Lambda hands it over, and gives the answer of
//! the same router that serves a laptop.

use crate::keys::Keys;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use futures::FutureExt;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::http::{Method, Response, Uri};
use lambda_http::{Body as Sent, Context, Request, RequestExt};
use lattice_api::{Api, Parts, Refused, router};
use lattice_lambda::process::begin;
use lattice_lambda::{Teller, Trace, counts};
use lattice_model::limits::CLOUD_ANSWER_MARGIN_MS;
use lattice_ports::Clock;
use lattice_wire::codes::{NO_ROUTE, SLOW};
use lattice_wire::{Function, ROUTES, Route};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt;
use tracing::Instrument;

/// One function's share of the API.
pub struct Gateway<E: Parts> {
    api: Arc<Api<E>>,
    function: Function,
    router: Router,
    keys: Option<Keys<E::Clock>>,
    teller: Teller,
}

impl<E: Parts> Gateway<E> {
    /// The share of this function; `keys` if the issuer's may change.
    pub fn new(
        api: Arc<Api<E>>,
        function: Function,
        keys: Option<Keys<E::Clock>>,
        teller: Teller,
    ) -> Arc<Self> {
        Arc::new(Self {
            router: router(&api),
            api,
            function,
            keys,
            teller,
        })
    }

    /// The API.
    pub fn api(&self) -> &Arc<Api<E>> {
        &self.api
    }

    /// Serves one request, and tells what it counted. Never fails: what goes wrong is a problem body.
    pub async fn answer(self: Arc<Self>, request: Request) -> Response<Body> {
        let clock = Arc::clone(self.api.driver.clock());
        let context = request.lambda_context_ref().cloned().unwrap_or_default();
        let header = request.headers().get("traceparent");
        let trace = header.and_then(|value| Trace::parse(value.to_str().ok()?));
        begin(&*clock, &context.request_id, trace);
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let span = tracing::error_span!("request", %method, path);
        let serving = AssertUnwindSafe(self.serve(request, &context)).catch_unwind();
        let mut response = serving.instrument(span).await.unwrap_or_else(|_| {
            // What the panic said stands in the log already.
            Refused::internal("a request's handler panicked").into_response()
        });
        if method == Method::HEAD {
            *response.body_mut() = Body::empty();
        }
        let status = response.status().as_u16();
        tracing::info!(%method, path, status, "answered");
        self.tell();
        response
    }

    async fn serve(&self, request: Request, context: &Context) -> Response<Body> {
        if let Some(keys) = &self.keys {
            keys.refresh(&self.api.gate, request.headers()).await;
        }
        let request = match convert(request) {
            Some(request) if serves(self.function, request.method(), request.uri().path()) => {
                request
            }
            _ => return elsewhere(),
        };
        let answered = self.router.clone().oneshot(request);
        let answered = match self.left(context) {
            None => answered.await,
            Some(left) => match tokio::time::timeout(left, answered).await {
                Ok(answered) => answered,
                Err(_) => return late(),
            },
        };
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }

    /// How long the answer may take; the invocation itself lasts a little longer, so that the caller
    /// is told. `None` if nobody says when it ends.
    fn left(&self, context: &Context) -> Option<Duration> {
        let now = self.api.driver.clock().now().get();
        let left_ms = context.deadline.checked_sub(now)?;
        let left_ms = left_ms.saturating_sub(CLOUD_ANSWER_MARGIN_MS);
        Some(Duration::from_millis(left_ms))
    }

    /// Tells what was counted.
    pub fn tell(&self) {
        let (fresh, counted) = (self.api.metrics.fresh(), self.teller.counts());
        for (operation, status, count) in fresh.requests {
            let labels = vec![
                ("operation", operation.to_owned()),
                ("status", status.to_string()),
            ];
            counted.add(counts::REQUESTS, labels, count);
        }
        counted.add(counts::STREAM_REPLAYS, Vec::new(), fresh.replays);
        counted.add(counts::STREAM_RECONNECTS, Vec::new(), fresh.reconnects);
        counted.add(counts::STREAM_GAPS, Vec::new(), fresh.gaps);
        self.teller.tell();
    }
}

/// Whether the function serves what is asked for: the route itself, or the word that the path takes
/// other methods. What another function serves is not done here, whatever brought it: this one's role
/// and its share of machines are made for its own.
pub fn serves(function: Function, method: &Method, path: &str) -> bool {
    let wanted = match *method {
        Method::HEAD => "GET",
        _ => method.as_str(),
    };
    let at_path = || ROUTES.iter().filter(|route| is_at(route, path));
    let exact = at_path().find(|route| route.method.as_str() == wanted);
    match exact {
        Some(route) => route.function == function,
        None => at_path().any(|route| route.function == function),
    }
}

/// Whether the path is one of the route's.
fn is_at(route: &Route, path: &str) -> bool {
    let mut segments = path.split('/');
    let fits = route.path.split('/').all(|wanted| {
        let found = segments.next();
        let is_name = wanted.starts_with('{');
        found.is_some_and(|found| (is_name && !found.is_empty()) || found == wanted)
    });
    fits && segments.next().is_none()
}

/// The request as the router takes it: the body byte for byte, the path without the stage's name.
fn convert(request: Request) -> Option<axum::extract::Request> {
    let raw = request.raw_http_path().to_owned();
    let (mut parts, body) = request.into_parts();
    let path = match parts.uri.path() {
        // The name of a stage may stand before it.
        path if path.ends_with(&raw) && !raw.is_empty() => raw,
        path => path.to_owned(),
    };
    let whole = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    parts.uri = Uri::from(whole.parse::<PathAndQuery>().ok()?);
    let body = match body {
        Sent::Text(text) => Body::from(text),
        Sent::Binary(bytes) => Body::from(bytes),
        _ => Body::empty(),
    };
    Some(axum::extract::Request::from_parts(parts, body))
}

fn elsewhere() -> Response<Body> {
    let detail = "there is nothing at this path";
    let help = "`GET /openapi.json` lists the paths";
    Refused::new(NO_ROUTE, detail, help).into_response()
}

fn late() -> Response<Body> {
    let detail = "the request took longer than an invocation may";
    let help = "look whether it was done, then send it again";
    Refused::new(SLOW, detail, help)
        .header("retry-after", "1")
        .into_response()
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
