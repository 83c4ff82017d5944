//! Accepts connections on a laptop: bounded in number, in what each holds back, and in how long a
//! request's head may take.

use crate::meter::{Meter, Metered};
use crate::refuse::Refused;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use lattice_model::limits;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower::ServiceExt;

/// How a server behaves.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Connections at the same time; more are told to come back.
    pub connections_max: usize,
    /// How long the head of a request may take, in milliseconds.
    pub head_ms_max: u64,
    /// Bytes that the system holds back for one connection.
    pub kernel_bytes_max: usize,
    /// How long a connection may take nothing of what it asked for, in milliseconds.
    pub stall_ms_max: u64,
    /// How long connections get to finish when the server stops, in milliseconds.
    pub stop_ms_max: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: limits::CONNECTIONS_MAX,
            head_ms_max: limits::HEAD_MS_MAX,
            kernel_bytes_max: limits::CONNECTION_KERNEL_BYTES_MAX,
            stall_ms_max: limits::CONNECTION_STALL_MS_MAX,
            stop_ms_max: limits::STOP_WAIT_MS,
        }
    }
}

/// How long to wait when no connection can be accepted, for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often connections are looked at that take nothing.
const WATCH_EVERY: Duration = Duration::from_millis(500);
/// How often the same complaint is made.
const COMPLAIN_EVERY: Duration = Duration::from_secs(1);

type Meters = Arc<Mutex<Vec<Weak<Meter>>>>;

/// Serves until `stop` says so, then lets what is under way finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    settings: ServerSettings,
    mut stop: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(settings.connections_max));
    let refusals = Arc::new(Semaphore::new(limits::CONNECTIONS_REFUSED_MAX));
    let meters = Meters::default();
    let mut connections = JoinSet::new();
    let stall_max = Duration::from_millis(settings.stall_ms_max);
    let watching = tokio::spawn(cut_stuck(Arc::clone(&meters), stall_max));
    let mut complained: Option<Instant> = None;
    while !*stop.borrow_and_update() {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let place = Arc::clone(&places).try_acquire_owned();
                let full = place.is_err();
                // Beyond these few, closing without a word is all there is room for.
                let Ok(place) = place.or_else(|_| Arc::clone(&refusals).try_acquire_owned()) else {
                    continue;
                };
                let meter = Arc::new(Meter::default());
                let mut all = meters.lock().unwrap_or_else(PoisonError::into_inner);
                all.push(Arc::downgrade(&meter));
                drop(all);
                let (router, settings, stop) = (router.clone(), settings.clone(), stop.clone());
                connections.spawn(async move {
                    let connection = Connection {
                        router,
                        full,
                        meter,
                    };
                    connection.serve(stream, &settings, stop).await;
                    drop(place);
                });
            }
            Err(error) => {
                if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
                    complained = Some(Instant::now());
                    tracing::warn!(%error, "a connection could not be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    let limit = Duration::from_millis(settings.stop_ms_max);
    let finished = async { while connections.join_next().await.is_some() {} };
    // Whoever has not finished by now is let go: streams are resumed, requests repeated.
    let _ = tokio::time::timeout(limit, finished).await;
    watching.abort();
}

/// Cuts off connections that take nothing: an answer that nobody reads would lie here for ever.
async fn cut_stuck(meters: Meters, stall_max: Duration) {
    loop {
        tokio::time::sleep(WATCH_EVERY.min(stall_max)).await;
        let mut meters = meters.lock().unwrap_or_else(PoisonError::into_inner);
        meters.retain(|meter| {
            let Some(meter) = meter.upgrade() else {
                return false;
            };
            let stuck = meter.stuck_for() >= stall_max;
            if stuck {
                tracing::info!("a connection that takes nothing is cut off");
                meter.cut();
            }
            !stuck
        });
    }
}

/// One connection.
struct Connection {
    router: Router,
    /// It is one more than there is room for.
    full: bool,
    meter: Arc<Meter>,
}

impl Connection {
    async fn serve(
        self,
        stream: TcpStream,
        settings: &ServerSettings,
        mut stop: watch::Receiver<bool>,
    ) {
        if let Err(error) = prepare(&stream, settings.kernel_bytes_max) {
            tracing::debug!(%error, "a connection was gone before it began");
            return;
        }
        let Self {
            router,
            full,
            meter,
        } = self;
        let io = TokioIo::new(Metered::new(stream, Arc::clone(&meter)));
        let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
            request.extensions_mut().insert(Arc::clone(&meter));
            let router = router.clone();
            async move {
                let request: Request = request.map(Body::new);
                Ok::<_, Infallible>(match full {
                    true => {
                        let refused =
                            Refused::busy("the server has as many connections as it takes");
                        refused.header("connection", "close").into_response()
                    }
                    false => router.oneshot(request).await.into_response(),
                })
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(settings.head_ms_max))
            .max_buf_size(limits::CONNECTION_BUFFER_BYTES_MAX);
        let mut serving = std::pin::pin!(builder.serve_connection(io, service));
        let ended = tokio::select! {
            ended = &mut serving => ended,
            () = async { drop(stop.wait_for(|stop| *stop).await) } => {
                serving.as_mut().graceful_shutdown();
                serving.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
    }
}

/// Frames go out at once, and what a slow reader leaves lying in the system is bounded.
fn prepare(stream: &TcpStream, kernel_bytes_max: usize) -> io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(stream).set_send_buffer_size(kernel_bytes_max)
}
