//! Kills `lattice dev` at random moments while many runs are live and watched, and starts it again
//! on the same port; then lets everything end.
//!
//! `fleet` keeps the runs going and follows them, `outcome` counts.

mod fleet;
mod outcome;

pub use outcome::Outcome;

use crate::process::models;
use crate::verdict::{Told, Verdict};
use crate::{KillError, io, workflows};
use fleet::{Fleet, Lived};
use lattice_client::Server;
use lattice_journal::{Event, EventBody};
use lattice_model::Millis;
use lattice_model_server::{ModelServer, Options};
use lattice_served::{Ask, Random, Served, ServedError, Setup, StoredLog, free_port};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `lattice` to kill.
    pub binary: PathBuf,
    /// How often.
    pub kills: u32,
    /// Runs that are live at the same time.
    pub runs: usize,
    /// For the choices.
    pub seed: u64,
}

/// The longest life of a process that is killed, from its first event on.
const LIFE_MS_MAX: u64 = 1_500;
/// The longest life of one that is killed while it starts.
const START_MS_MAX: u64 = 200;
/// How many of 100 are killed while they start.
const KILLED_STARTING: u64 = 15;
/// From the effect to its answer.
const LATENCY: Duration = Duration::from_millis(200);
/// How long it may take until something comes, and until everything has ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// When processes were started, and how soon they were back.
#[derive(Debug, Default)]
struct Restarts {
    at: Vec<Millis>,
    /// From the start until it said where it is.
    ready: Vec<Duration>,
    /// From the start until a watcher had an event that is newer than the start.
    watched: Vec<Duration>,
    /// Live runs at each kill.
    live: Vec<usize>,
    kills: u32,
}

/// Does it all, and counts.
pub async fn perform(plan: &Plan) -> Result<Outcome, KillError> {
    let options = Options {
        latency: LATENCY,
        ..Options::default()
    };
    let model = ModelServer::start(options)
        .await
        .map_err(io("no model server"))?;
    let dir = tempfile::tempdir().map_err(io("no temporary directory"))?;
    let setup = Setup {
        binary: plan.binary.clone(),
        dir: dir.path().to_owned(),
        port: free_port()?,
        env: models(&model.base_url()).to_vec(),
    };
    let mut served = Served::spawn(&setup)?;
    let address = served.ready().await?;
    let ask = Ask::new(address);
    ask.store(&workflows::branches()).await?;
    let server = Server::new(&format!("http://{address}"))
        .map_err(|error| KillError::Wrong(error.to_string()))?;
    let fleet = Arc::new(Fleet::new(ask, server));
    let slots = fleet.launch(plan.runs, plan.seed);
    let mut restarts = Restarts::default();
    let served = kill_often(plan, &setup, served, &fleet, &mut restarts).await?;
    fleet.stop();
    let (lived, unfinished) = end(slots).await?;
    let mut outcome = Outcome::new(restarts, &fleet, unfinished);
    let mut moments = Vec::new();
    for one in &lived {
        match ask.log(&one.run).await {
            Ok(events) => {
                moments.extend(events.iter().map(|event| event.timestamp));
                let log = StoredLog::new(&events);
                outcome.run(one, &log, answers(&events));
            }
            Err(ServedError::Refused { status: 404, .. }) => outcome.lost(one),
            Err(error) => return Err(error.into()),
        }
    }
    served.stop().await?;
    let told = Told {
        kills: outcome.kills(),
        resumed: outcome.stored_after_restart(moments),
        ..Told::default()
    };
    let verdict = Verdict::read(&dir.path().join("data"), told, true, model.counts()).await?;
    outcome.judge(verdict);
    Ok(outcome)
}

/// Kills and starts again; the last process lives.
async fn kill_often(
    plan: &Plan,
    setup: &Setup,
    mut served: Served,
    fleet: &Fleet,
    restarts: &mut Restarts,
) -> Result<Served, KillError> {
    let mut random = Random::new(plan.seed);
    fleet.all_live(plan.runs, PATIENCE).await?;
    while restarts.kills < plan.kills {
        sleep(Duration::from_millis(random.below(LIFE_MS_MAX))).await;
        restarts.live.push(fleet.live());
        served.kill().await?;
        restarts.kills += 1;
        while restarts.kills < plan.kills && random.chance(KILLED_STARTING) {
            let starting = Served::spawn(setup)?;
            sleep(Duration::from_millis(random.below(START_MS_MAX))).await;
            starting.kill().await?;
            restarts.kills += 1;
        }
        let (at, began) = (now(), Instant::now());
        served = Served::spawn(setup)?;
        served.ready().await?;
        restarts.ready.push(began.elapsed());
        let first = timeout(PATIENCE, fleet.heard_since(at)).await;
        first.map_err(|_| KillError::Wrong("no watcher hears anything any more".to_owned()))?;
        restarts.watched.push(began.elapsed());
        restarts.at.push(at);
    }
    Ok(served)
}

/// Lets all runs end; says how many slots did not.
async fn end(mut slots: JoinSet<Vec<Lived>>) -> Result<(Vec<Lived>, usize), KillError> {
    let deadline = Instant::now() + PATIENCE;
    let mut lived = Vec::new();
    while let Ok(Some(slot)) = timeout_at(deadline, slots.join_next()).await {
        lived.extend(slot.map_err(|error| KillError::Wrong(error.to_string()))?);
    }
    Ok((lived, slots.len()))
}

/// Answers that count in this log.
fn answers(events: &[Event]) -> usize {
    let received = |event: &&Event| matches!(event.body, EventBody::SignalReceived(_));
    events.iter().filter(received).count()
}

fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.unwrap_or_default().as_millis();
    Millis::new(u64::try_from(ms).unwrap_or(u64::MAX))
}
