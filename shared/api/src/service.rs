//! Takes a request through every check, in one place, and hands it to its route's handler.

use crate::gate::{Caller, Gate};
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::refuse::Refused;
use crate::routes;
use crate::streams::Streams;
use crate::take::{self, Query};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any};
use bytes::Bytes;
use lattice_driver::{Driver, DriverError, load_run};
use lattice_engine::RunState;
use lattice_journal::Head;
use lattice_model::limits::{HOOKS_AT_ONCE_MAX, REQUEST_MS_MAX};
use lattice_model::{Guards, RunId, Tenant};
use lattice_ports::{Clock, Performer, Schedules, Secrets, StageQueue, Store, Triggers};
use lattice_wire::codes::{NO_METHOD, NO_ROUTE, SLOW};
use lattice_wire::{In, Method, ROUTES, Route, openapi};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::Instrument;

/// The adapters that an API stands on, under one name.
pub trait Parts: Send + Sync + 'static {
    /// Where everything durable is.
    type Store: Store + Triggers;
    /// What wakes workers.
    type Queue: StageQueue;
    /// What performs effects.
    type Performer: Performer;
    /// Time.
    type Clock: Clock;
    /// What fires schedules.
    type Schedules: Schedules;
    /// What webhooks are proven with.
    type Secrets: Secrets;
}

/// Adapters as `Parts`.
pub struct Kit<S, Q, P, C, H, X>(PhantomData<(S, Q, P, C, H, X)>);

impl<S, Q, P, C, H, X> Parts for Kit<S, Q, P, C, H, X>
where
    S: Store + Triggers,
    Q: StageQueue,
    P: Performer,
    C: Clock,
    H: Schedules,
    X: Secrets,
{
    type Store = S;
    type Queue = Q;
    type Performer = P;
    type Clock = C;
    type Schedules = H;
    type Secrets = X;
}

/// The driver of an API.
pub type DriverOf<E> =
    Driver<<E as Parts>::Store, <E as Parts>::Queue, <E as Parts>::Performer, <E as Parts>::Clock>;

/// What every handler uses.
pub struct Api<E: Parts> {
    /// Carries runs on.
    pub driver: Arc<DriverOf<E>>,
    /// Knows who asks.
    pub gate: Gate,
    /// Follows logs.
    pub streams: Arc<Streams<E::Store>>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Fires schedules.
    pub schedules: Arc<E::Schedules>,
    /// What webhooks are proven with.
    pub secrets: Arc<E::Secrets>,
    /// Webhooks that are looked at: they come from anybody.
    pub(crate) hooks: Semaphore,
    /// Folds of whole logs at the same time.
    pub(crate) folding: Semaphore,
}

/// Folds of whole logs at the same time: each may hold many megabytes.
const FOLDING_MAX: usize = 2;

impl<E: Parts> fmt::Debug for Api<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}

/// A request that has passed every check.
#[derive(Debug)]
pub struct Call {
    /// Its route.
    pub route: &'static Route,
    /// The name in its path, if there is one.
    pub id: String,
    /// The second name in its path, if there are two.
    pub second: String,
    /// Its query parameters.
    pub query: Query,
    /// The same as they came.
    pub raw_query: String,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Option<Bytes>,
    /// The connection it came by, if the server counts.
    pub meter: Option<Arc<Meter>>,
    caller: Option<Caller>,
}

/// What a handler gives.
pub type Done = Result<Response, Refused>;

impl Call {
    /// Whose things the caller sees.
    pub fn tenant(&self) -> Result<&Tenant, Refused> {
        let caller = self.caller.as_ref();
        let caller =
            caller.ok_or_else(|| Refused::internal("a route without a scope asks for a tenant"))?;
        Ok(&caller.tenant)
    }
}

impl<E: Parts> Api<E> {
    /// An API over a driver.
    pub fn new(
        driver: Arc<DriverOf<E>>,
        gate: Gate,
        streams: Arc<Streams<E::Store>>,
        metrics: Arc<Metrics>,
        (schedules, secrets): (Arc<E::Schedules>, Arc<E::Secrets>),
    ) -> Arc<Self> {
        Arc::new(Self {
            driver,
            gate,
            streams,
            metrics,
            schedules,
            secrets,
            hooks: Semaphore::new(HOOKS_AT_ONCE_MAX),
            folding: Semaphore::new(FOLDING_MAX),
        })
    }

    /// The store.
    pub fn store(&self) -> &E::Store {
        self.driver.store()
    }

    /// The row of the run in the path, if it is one of the caller's.
    // INVARIANT: every handler that names a run comes to it through here, so a run of another tenant
    // is as good as none.
    pub async fn head(&self, call: &Call) -> Result<Head, Refused> {
        let none = || Refused::no_run(&call.id);
        let run: RunId = call.id.parse().map_err(|_| none())?;
        let tenant = call.tenant()?;
        let head = lattice_ports::RunIndex::head(self.store(), &run).await?;
        head.filter(|head| head.tenant == *tenant).ok_or_else(none)
    }

    /// The run in the path as it stands now.
    pub async fn state(&self, head: &Head) -> Result<RunState, Refused> {
        let loaded = load_run(self.store(), &head.run, Guards::ALL).await?;
        let loaded = loaded.ok_or_else(|| DriverError::NoRun(head.run.clone()))?;
        Ok(loaded.state)
    }

    async fn answer(
        self: &Arc<Self>,
        route: &'static Route,
        names: Names,
        request: Request,
    ) -> Done {
        let (parts, body) = request.into_parts();
        let caller = self.gate.admit(route, &parts.headers)?;
        let query = Query::read(route, &parts.uri)?;
        let body = match &route.body {
            Some(spec) => take::body(spec, &parts.headers, body).await?,
            None => None,
        };
        let call = Call {
            route,
            id: names.first,
            second: names.second,
            query,
            raw_query: parts.uri.query().unwrap_or_default().to_owned(),
            meter: parts.extensions.get::<Arc<Meter>>().cloned(),
            headers: parts.headers,
            body,
            caller,
        };
        let api = Arc::clone(self);
        let handled = async move { routes::handle(&api, call).await };
        // A stream is open when its head goes out; its own time begins then.
        let limit = Duration::from_millis(REQUEST_MS_MAX);
        let done = match route.changes() {
            false => tokio::time::timeout(limit, handled).await,
            // What changes something is done to its end, also for a caller who has gone: a write
            // without the wake-up behind it would lie there until the next sweep.
            true => tokio::time::timeout(limit, detached(handled)).await,
        };
        done.unwrap_or_else(|_| {
            let detail = format!("the request took longer than {REQUEST_MS_MAX} ms");
            let help = "look whether it was done, then send it again";
            Err(Refused::new(SLOW, detail, help))
        })
    }

    /// Serves one request of a known route.
    async fn serve(
        self: Arc<Self>,
        route: &'static Route,
        names: Names,
        request: Request,
    ) -> Response {
        let answer = self.answer(route, names, request).await;
        if answer.as_ref().is_err_and(|refused| refused.is_broken_log) {
            self.metrics.broken_log();
        }
        let response = answer.unwrap_or_else(Refused::into_response);
        self.metrics.request(route.id, response.status().as_u16());
        response
    }
}

/// Does the work in a task of its own, which whoever waits for it may leave. What it logs belongs to
/// the request as before.
async fn detached(work: impl Future<Output = Done> + Send + 'static) -> Done {
    let done = tokio::spawn(work.in_current_span()).await;
    done.unwrap_or_else(|error| Err(Refused::internal(error)))
}

/// The routes of the API, each as `wire` describes it.
pub fn router<E: Parts>(api: &Arc<Api<E>>) -> Router {
    router_beside(api, Router::new())
}

/// The routes of the API beside others, which pass the same check of where a request comes from.
pub fn router_beside<E: Parts>(api: &Arc<Api<E>>, others: Router) -> Router {
    let mut paths: BTreeMap<&str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        paths.entry(route.path).or_default().push(route);
    }
    let mut router = others;
    for (path, routes) in paths {
        router = router.route(path, path_of(api, routes));
    }
    let gate = Arc::clone(api);
    router
        .fallback(|| async { no_route() })
        .layer(axum::middleware::from_fn(
            move |request: Request, next: axum::middleware::Next| {
                let api = Arc::clone(&gate);
                async move {
                    match api.gate.check_origin(request.headers()) {
                        Ok(()) => with_common(next.run(request).await),
                        Err(refused) => with_common(refused.into_response()),
                    }
                }
            },
        ))
}

/// All methods of one path.
fn path_of<E: Parts>(api: &Arc<Api<E>>, routes: Vec<&'static Route>) -> MethodRouter {
    let api = Arc::clone(api);
    any(move |request: Request| {
        let api = Arc::clone(&api);
        let method = request.method().as_str();
        let found = routes.iter().find(|route| takes(route, method));
        let found = found.copied().ok_or_else(|| no_method(&routes));
        async move {
            match found {
                Ok(route) => {
                    let names = names_of(route, request.uri().path());
                    api.serve(route, names, request).await
                }
                Err(refused) => refused.into_response(),
            }
        }
    })
}

/// Whether a route takes a method. What may be read may be asked for its head alone: hyper leaves
/// the body out.
fn takes(route: &Route, method: &str) -> bool {
    let reads = route.method == Method::Get && !route.changes();
    route.method.as_str() == method || (reads && method == "HEAD")
}

/// The names in a path: the segments where the route has its braces.
#[derive(Default)]
struct Names {
    first: String,
    second: String,
}

fn names_of(route: &Route, path: &str) -> Names {
    if !route.params.iter().any(|param| param.at == In::Path) {
        return Names::default();
    }
    let pairs = route.path.split('/').zip(path.split('/'));
    let mut names = pairs
        .filter(|(wanted, _)| wanted.starts_with('{'))
        // Legal ids need no percent signs, but a client may write them so all the same.
        .map(|(_, name)| percent_decode_str(name).decode_utf8_lossy().into_owned());
    Names {
        first: names.next().unwrap_or_default(),
        second: names.next().unwrap_or_default(),
    }
}

fn no_route() -> Response {
    let help = "`GET /openapi.json` lists the paths";
    Refused::new(NO_ROUTE, "there is nothing at this path", help).into_response()
}

fn no_method(routes: &[&'static Route]) -> Refused {
    let mut methods: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
    if routes.iter().any(|route| takes(route, "HEAD")) {
        methods.push("HEAD");
    }
    let methods = methods.join(", ");
    let help = format!("this path takes {methods}");
    Refused::new(NO_METHOD, "the path does not take this method", help).header("allow", &methods)
}

/// What every answer carries: nothing here is to be guessed at or put into a frame elsewhere.
fn with_common(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let fixed = HeaderValue::from_static;
    headers.insert("x-content-type-options", fixed("nosniff"));
    headers.entry("cache-control").or_insert(fixed("no-store"));
    let own = fixed("same-origin");
    headers.entry("cross-origin-resource-policy").or_insert(own);
    headers
        .entry("referrer-policy")
        .or_insert(fixed("no-referrer"));
    response
}

/// The OpenAPI file as it is served.
pub fn openapi_text() -> String {
    let text = serde_json::to_string_pretty(&openapi());
    text.unwrap_or_default() + "\n"
}

/// A JSON answer.
pub fn json<T: serde::Serialize>(status: StatusCode, body: &T) -> Done {
    let body = serde_json::to_vec(body).map_err(Refused::internal)?;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    Ok(response)
}

/// Sets a header whose value is ours.
pub fn set(response: &mut Response, name: &'static str, value: &str) -> Result<(), Refused> {
    let value = HeaderValue::from_str(value).map_err(Refused::internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}
