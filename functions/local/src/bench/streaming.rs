//! How much later than its acknowledgement a reader has an event, while many runs are at work.

use super::programs::chain;
use super::rig::{BenchKit, Rig, percentile};
use crate::error::CliError;
use lattice_api::server::{ServerSettings, serve};
use lattice_api::{Api, Gate, Metrics, StreamSettings, Streams, router};
use lattice_client::{Server, Told, WatchOptions};
use lattice_driver::Observer;
use lattice_effects::EnvSecrets;
use lattice_journal::Commit;
use lattice_local::{LocalSchedules, LocalStore, SystemClock};
use lattice_model::{RunId, Seq};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What was measured over loopback, reader and server in one process.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Streaming {
    /// Runs at a time.
    pub runs: u64,
    /// Readers of each run.
    pub readers_each: u64,
    /// Events that readers had.
    pub events: usize,
    /// Events that readers had in a second.
    pub events_per_s: f64,
    /// The median time from the acknowledgement to the reader, in milliseconds.
    pub lag_ms_p50: f64,
    /// The 99th percentile.
    pub lag_ms_p99: f64,
    /// The longest.
    pub lag_ms_max: f64,
}

/// Steps of each run, and how long each takes.
const STEPS: u64 = 200;
const PAUSE: Duration = Duration::from_millis(2);

/// When each event was acknowledged.
#[derive(Debug, Default)]
struct Stamps(Mutex<BTreeMap<(RunId, Seq), Instant>>);

impl Observer for Stamps {
    fn committed(&self, commit: &Commit) {
        let now = Instant::now();
        let mut stamps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.extend(
            commit
                .events
                .iter()
                .map(|event| ((event.run.clone(), event.seq), now)),
        );
    }
}

impl Stamps {
    fn of(&self, run: &RunId, seq: Seq) -> Option<Instant> {
        let stamps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.get(&(run.clone(), seq)).copied()
    }
}

/// Measures `runs` runs at a time with `readers_each` readers each.
pub async fn measure(dir: &Path, runs: u64, readers_each: u64) -> Result<Streaming, CliError> {
    let (stamps, metrics) = (Arc::new(Stamps::default()), Arc::new(Metrics::new()));
    let mut streams = None;
    let observe = |store: &LocalStore| {
        let store = Arc::new(store.clone());
        let opened = Streams::new(store, Arc::clone(&metrics), StreamSettings::default());
        streams = Some(Arc::clone(&opened));
        // Stamped first, so that a frame cannot be faster than its stamp.
        let observers = vec![Arc::clone(&stamps) as Arc<dyn Observer>, opened];
        Arc::new(observers) as Arc<dyn Observer>
    };
    let rig = Arc::new(Rig::open(dir, chain(STEPS), PAUSE, observe).await?);
    let streams = streams.ok_or_else(|| CliError::Task("no streams".to_owned()))?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(CliError::Runtime)?;
    let port = listener.local_addr().map_err(CliError::Runtime)?.port();
    let api: Arc<Api<BenchKit>> = Api::new(
        Arc::clone(&rig.driver),
        Gate::loopback(port),
        Arc::clone(&streams),
        metrics,
        (
            Arc::new(LocalSchedules::new(SystemClock::new()?)),
            Arc::new(EnvSecrets::default()),
        ),
    );
    let stop = watch::Sender::new(false);
    let serving = serve(
        listener,
        router(&api),
        ServerSettings::default(),
        stop.subscribe(),
    );
    let serving = tokio::spawn(serving);
    let server = Server::new(&format!("http://127.0.0.1:{port}"))?;
    let began = Instant::now();
    let mut lanes = JoinSet::new();
    for _ in 0..runs {
        lanes.spawn(lane(
            Arc::clone(&rig),
            server.clone(),
            Arc::clone(&stamps),
            readers_each,
        ));
    }
    let mut lags = Vec::new();
    while let Some(lane) = lanes.join_next().await {
        lags.extend(lane.map_err(|error| CliError::Task(error.to_string()))??);
    }
    let seconds = began.elapsed().as_secs_f64();
    streams.stop();
    stop.send_replace(true);
    let _ = serving.await;
    Ok(Streaming {
        runs,
        readers_each,
        events: lags.len(),
        events_per_s: lags.len() as f64 / seconds,
        lag_ms_p50: percentile(&mut lags, 50),
        lag_ms_p99: percentile(&mut lags, 99),
        lag_ms_max: percentile(&mut lags, 100),
    })
}

/// One run and its readers.
async fn lane(
    rig: Arc<Rig>,
    server: Server,
    stamps: Arc<Stamps>,
    readers: u64,
) -> Result<Vec<Duration>, CliError> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let running = tokio::spawn(async move { rig.run(|run| drop(tell.send(run.clone()))).await });
    let run = told
        .await
        .map_err(|error| CliError::Task(error.to_string()))?;
    let mut watching = JoinSet::new();
    for _ in 0..readers {
        watching.spawn(read(server.clone(), run.clone(), Arc::clone(&stamps)));
    }
    let mut lags = Vec::new();
    while let Some(read) = watching.join_next().await {
        lags.extend(read.map_err(|error| CliError::Task(error.to_string()))??);
    }
    running
        .await
        .map_err(|error| CliError::Task(error.to_string()))??;
    Ok(lags)
}

/// Reads a run to its end; what was there before the reader is no lag of the stream.
async fn read(server: Server, run: RunId, stamps: Arc<Stamps>) -> Result<Vec<Duration>, CliError> {
    let mut watcher = server.watch(run.clone(), WatchOptions::default())?;
    let (mut lags, mut opened) = (Vec::new(), None);
    while let Some(told) = watcher.next_raw().await? {
        let now = Instant::now();
        let opened = *opened.get_or_insert(now);
        if let Told::Event(event) = told
            && let Some(stamp) = stamps.of(&run, event.seq)
            && stamp > opened
        {
            lags.push(now.duration_since(stamp));
        }
    }
    Ok(lags)
}
