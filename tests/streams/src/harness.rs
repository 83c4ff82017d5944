//! Brings the server, the run and the subscribers together.

use crate::StreamsError;
use crate::cloud::TABLE;
use crate::crowd::{Place, gather};
use crate::plan::{Plan, WORKFLOW};
use crate::report::Report;
use crate::slow::read_slowly;
use lattice_client::Server;
use lattice_served::{Ask, Judged, Reader, Served, Setup, StoredLog, io};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// Time for whatever the pauses of the run do not say.
const PATIENCE: Duration = Duration::from_secs(600);
/// How often the server is asked how many readers it has cut off.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Open files beside the connections.
const FILES_KEPT: u64 = 64;

/// Does it all, and counts.
pub async fn perform(plan: &Plan) -> Result<Report, StreamsError> {
    raise_files(plan)?;
    let dir = tempfile::tempdir().map_err(io("no temporary directory"))?;
    let script = dir.path().join("said.mock.json");
    std::fs::write(&script, Plan::script().to_string()).map_err(io("no file for the mock"))?;
    let mut env = vec![("LATTICE_MOCK_SCRIPT", script.to_string_lossy().into_owned())];
    if plan.aws {
        env.push((TABLE, format!("streams-{}", std::process::id())));
        env.push(("LATTICE_PROVIDER", "mock".to_owned()));
    }
    let mut served = Served::spawn(&Setup {
        binary: plan.binary.clone(),
        dir: dir.path().to_owned(),
        port: 0,
        env,
    })?;
    let address = served.ready().await?;
    let ask = Ask::new(address);
    ask.store(&plan.workflow()).await?;
    let before = served.usage()?;
    let begun = Instant::now();
    let run = ask.start(WORKFLOW, "watched", plan.input()).await?.run_id;
    let place = Place {
        server: Server::new(&format!("http://{address}"))?,
        run: run.clone(),
        deadline: begun + plan.pauses() + PATIENCE,
        reached: Arc::new(watch::Sender::new(0)),
    };
    let mut report = Report::new(plan);
    let slow = slow_readers(plan, &place, address);
    let reads = gather(plan, &place).join_all().await;
    let slow = slow.await.map_err(StreamsError::Task)??;
    report.wall = begun.elapsed();
    let log = StoredLog::new(&ask.log(&run).await?);
    report.log(&log);
    reads.iter().for_each(|read| report.reader(&log, read));
    slow.iter().for_each(|slow| report.slow_reader(&log, slow));
    // One that has it all is told that nothing follows.
    let from = log.len() as u64;
    let last = Reader {
        from,
        ..Reader::default()
    };
    let nothing = last.read(&place.server, &run, |_| {}).await;
    report.judged += match nothing.failed {
        None => log.judge(&nothing),
        Some(_) => Judged {
            incomplete: 1,
            ..Judged::default()
        },
    };
    report.server(before, served.usage()?, &ask.metrics().await?);
    served.stop().await?;
    Ok(report)
}

type Slows = tokio::task::JoinHandle<Result<Vec<crate::slow::Slow>, StreamsError>>;

/// The slow readers, and whoever tells them that they are cut off: at their pace they would not
/// notice for days.
fn slow_readers(plan: &Plan, place: &Place, address: SocketAddr) -> Slows {
    let all = plan.slow as u64;
    let (tell, cuts) = watch::channel(0);
    let mut readers = JoinSet::new();
    for _ in 0..plan.slow {
        readers.spawn(read_slowly(place.clone(), address, cuts.clone(), all));
    }
    drop(cuts);
    let looking = tokio::spawn(async move {
        let ask = Ask::new(address);
        while all > 0 && !tell.is_closed() {
            sleep(LOOK_EVERY).await;
            if let Ok(metrics) = ask.metrics().await {
                tell.send_replace(metrics.sum_of("lattice_stream_cuts_total", "reason=\"slow\""));
            }
        }
    });
    tokio::spawn(async move {
        let mut slow = Vec::new();
        while let Some(one) = readers.join_next().await {
            slow.push(one??);
        }
        looking.abort();
        Ok(slow)
    })
}

/// Raises this process's own limit of open files as far as it needs.
fn raise_files(plan: &Plan) -> Result<(), StreamsError> {
    let wanted = (plan.subscribers + plan.slow) as u64 + FILES_KEPT;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(|_| StreamsError::Files {
        wanted,
        allowed: limit.maximum.or(limit.current).unwrap_or_default(),
    })
}
