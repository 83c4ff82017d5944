//! The process that owns a data directory: store, queue, workers, sweep, and an eye on what other
//! processes put into inboxes.

use crate::app::App;
use crate::cli::Data;
use crate::error::CliError;
use crate::watch::{Seen, Teller};
use lattice_api::Kit;
use lattice_driver::{Driver, Observer, Settings};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_journal::{Commit, EventBody};
use lattice_local::{LocalOptions, LocalQueue, LocalSchedules, LocalStore, SystemClock};
use lattice_model::{BootId, RunId, Seq, limits};
use lattice_ports::{Inbox, Message, StageQueue};
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// The driver of a process that owns its data.
pub type LocalDriver = Driver<LocalStore, LocalQueue, Provider<EnvSecrets>, SystemClock>;

/// The same adapters, for the API.
pub type LocalKit = Kit<
    LocalStore,
    LocalQueue,
    Provider<EnvSecrets>,
    SystemClock,
    LocalSchedules<SystemClock>,
    EnvSecrets,
>;

/// How long the sweep rests.
const SWEEP_EVERY: Duration = Duration::from_millis(limits::SWEEP_DELAY_MS_MIN);
/// Rows that a sweep has to have found for another one to follow at once.
const SWEEP_AGAIN_MIN: usize = 256;
/// Runs whose inboxes are looked at together.
const UNREAD_RUNS_MAX: usize = 256;
/// How long a run rests after an error of a look at it.
const ERROR_PAUSE_MS: u64 = 500;

/// The owner of a data directory, at work.
pub struct Host {
    /// Carries runs on.
    pub driver: Arc<LocalDriver>,
    /// Told by the workers.
    pub seen: UnboundedReceiver<Seen>,
    teller: Teller,
    /// The runs that this process carries on.
    pub asked: Asked,
    /// What was started beside the workers.
    others: Mutex<Vec<JoinHandle<()>>>,
    workers: Vec<JoinHandle<()>>,
    helpers: Vec<JoinHandle<()>>,
}

impl Host {
    /// Takes the directory and starts working in it. Nothing is carried on before it is asked for;
    /// every commit is told through `seen`.
    pub fn open(app: &App, data: &Data, provider: ProviderConfig) -> Result<Self, CliError> {
        let tell = |_: &LocalStore, teller: &Teller| vec![Arc::new(teller.clone()) as Arc<_>];
        Self::open_with(app, data, provider, Asked::default(), tell)
    }

    /// The same, for these runs and with these observers; `seen` then tells only what they add to it.
    pub fn open_with(
        app: &App,
        data: &Data,
        provider: ProviderConfig,
        asked: Asked,
        observers: impl FnOnce(&LocalStore, &Teller) -> Vec<Arc<dyn Observer>>,
    ) -> Result<Self, CliError> {
        let secrets = app.secrets();
        let known: Vec<_> = secrets.values().collect();
        let performer = Provider::new(provider, secrets)?.with_known_secrets(known);
        let bytes_max = app.data_bytes_max()?;
        let options = LocalOptions {
            bytes_max,
            ..LocalOptions::default()
        };
        let store = LocalStore::open(&app.data_dir(data), &options)?;
        let (sender, seen) = unbounded_channel();
        let teller = Teller(sender);
        let written = watch_inboxes(&store);
        let mut observers = observers(&store, &teller);
        observers.push(Arc::new(asked.clone()));
        let driver = Arc::new(Driver::new(
            (Arc::new(store.clone()), Arc::new(LocalQueue::new())),
            (Arc::new(performer), Arc::new(SystemClock::new()?)),
            Arc::clone(&app.redactor),
            Arc::new(observers),
            settings(&store),
        ));
        let mut host = Self {
            driver,
            seen,
            teller,
            asked,
            others: Mutex::default(),
            workers: Vec::new(),
            helpers: Vec::new(),
        };
        for _ in 0..limits::LOCAL_WORKERS {
            let (driver, teller) = (Arc::clone(&host.driver), host.teller.clone());
            let worker = host.task(work(driver, teller, host.asked.clone()));
            host.workers.push(worker);
        }
        let sweeper = host.task(sweep(Arc::clone(&host.driver)));
        let reader = host.task(read_inboxes(Arc::clone(&host.driver), written));
        host.helpers.extend([sweeper, reader]);
        Ok(host)
    }

    /// Performs in the background, and tells of what comes back.
    pub fn spawn(&self, work: impl Future<Output = Seen> + Send + 'static) {
        let teller = self.teller.clone();
        self.beside(async move { teller.tell(work.await) });
    }

    /// Looks at a run at once, whoever else is at it: how a cancel reaches a run whose message a
    /// worker holds.
    pub fn look(&self, run: &RunId) {
        let (driver, teller) = (Arc::clone(&self.driver), self.teller.clone());
        self.beside(look(driver, teller, run.clone()));
    }

    /// Hands a run to the workers.
    pub async fn wake(&self, run: &RunId) -> Result<(), CliError> {
        self.asked.add(run);
        Ok(self.driver.queue().send(message(run), 0).await?)
    }

    /// Stops: no new work, a moment for what is under way, then the directory is given up.
    pub async fn close(self) {
        self.driver.queue().close();
        for helper in &self.helpers {
            helper.abort();
        }
        let wait = Duration::from_millis(limits::STOP_WAIT_MS);
        let until = tokio::time::Instant::now() + wait;
        let others = self.others.into_inner();
        let others = others.unwrap_or_else(PoisonError::into_inner);
        for mut worker in self.workers.into_iter().chain(others) {
            if tokio::time::timeout_at(until, &mut worker).await.is_err() {
                worker.abort();
            }
        }
    }

    /// Starts a task that `close` waits for.
    fn beside(&self, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.task(work);
        let others = self.others.lock();
        others.unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Starts a task, and tells if it breaks.
    fn task(&self, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let teller = self.teller.clone();
        let work = tokio::spawn(work);
        let stop = work.abort_handle();
        tokio::spawn(async move {
            let _stop = AbortOnDrop(stop);
            if let Err(error) = work.await
                && error.is_panic()
            {
                teller.tell(Seen::Broken(error.to_string()));
            }
        })
    }
}

/// The runs that this process was asked to carry on. Others in the same directory wait for whoever
/// resumes them: they may have been started with another model provider.
#[derive(Debug, Clone)]
pub struct Asked(Option<Arc<Mutex<BTreeSet<RunId>>>>);

impl Default for Asked {
    fn default() -> Self {
        Self(Some(Arc::default()))
    }
}

impl Asked {
    /// Every run of the directory.
    pub fn everything() -> Self {
        Self(None)
    }

    /// Carries the run on from now on.
    pub fn add(&self, run: &RunId) {
        if let Some(runs) = &self.0 {
            let mut runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.insert(run.clone());
        }
    }

    fn holds(&self, run: &RunId) -> bool {
        self.0.as_ref().is_none_or(|runs| {
            let runs = runs.lock().unwrap_or_else(PoisonError::into_inner);
            runs.contains(run)
        })
    }
}

/// Whoever carries a run on carries on what it calls. That is told before its message is sent.
impl Observer for Asked {
    fn committed(&self, commit: &Commit) {
        let first = commit.events.first().map(|event| &event.body);
        let Some(EventBody::RunQueued(queued)) = first else {
            return;
        };
        let parent = queued.parent.as_ref();
        if parent.is_some_and(|parent| self.holds(&parent.run)) {
            self.add(&commit.run);
        }
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn settings(store: &LocalStore) -> Settings {
    let boot = store.boot().cloned().unwrap_or_else(|| BootId::new(""));
    Settings {
        exclusive: store.boot().is_some(),
        cancel_poll_ms: limits::LOCAL_CANCEL_POLL_MS,
        ..Settings::new(boot)
    }
}

/// A message without a hint.
pub fn message(run: &RunId) -> Message {
    Message::new(run.clone(), Seq::ZERO)
}

/// Serves messages until the queue is closed. A message of a run that nobody asked for is dropped:
/// its row or its inbox brings it back to whoever resumes it.
async fn work(driver: Arc<LocalDriver>, teller: Teller, asked: Asked) {
    let queue = Arc::clone(driver.queue());
    while let Ok(Some(delivery)) = queue.receive().await {
        let run = &delivery.message.run;
        let done = match asked.holds(run) {
            false => queue.ack(&delivery.receipt).await.map_err(Into::into),
            true => driver.handle(&delivery).await.map(|trouble| {
                teller.tell(match trouble {
                    None => Seen::Served(run.clone()),
                    Some(error) => Seen::Trouble(run.clone(), error),
                });
            }),
        };
        if let Err(error) = done {
            tracing::warn!(%error, "the queue did not take a message back");
        }
    }
}

async fn look(driver: Arc<LocalDriver>, teller: Teller, run: RunId) {
    if let Err(error) = driver.serve(&message(&run), None).await {
        teller.tell(Seen::Trouble(run.clone(), error));
        // The queue of this process is memory: it takes every message.
        let _ = driver.queue().send(message(&run), ERROR_PAUSE_MS).await;
    }
}

async fn sweep(driver: Arc<LocalDriver>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        loop {
            match driver.sweep().await {
                // Many that stand in line keep no timer waiting.
                Ok(sent) if sent >= SWEEP_AGAIN_MIN => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "the sweep did not come through");
                    break;
                }
            }
        }
    }
}

/// Notifies when another process has written.
fn watch_inboxes(store: &LocalStore) -> Arc<Notify> {
    let written = Arc::new(Notify::new());
    let tell = Arc::clone(&written);
    store.watch_foreign_writes(move || tell.notify_one());
    written
}

/// Wakes runs into whose inboxes another process has put something.
async fn read_inboxes(driver: Arc<LocalDriver>, written: Arc<Notify>) {
    loop {
        written.notified().await;
        match driver.store().runs_with_unread(UNREAD_RUNS_MAX).await {
            Ok(runs) => {
                for run in runs {
                    // The queue of this process is memory: it takes every message.
                    let _ = driver.queue().send(message(&run), 0).await;
                }
            }
            Err(error) => tracing::warn!(%error, "inboxes could not be read"),
        }
    }
}
