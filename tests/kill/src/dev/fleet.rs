//! The runs: started over HTTP, answered, and followed to their end through every kill. Whatever is
//! not acknowledged is asked again under the same key.

use crate::KillError;
use lattice_client::{RawEvent, Server};
use lattice_journal::EventBody;
use lattice_model::{Millis, RunId};
use lattice_served::{Ask, Random, Read, Reader, ServedError, Started};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What all runs share.
#[derive(Debug)]
pub struct Fleet {
    ask: Ask,
    server: Server,
    stop: watch::Sender<bool>,
    live: watch::Sender<usize>,
    /// When the newest event happened that a watcher has.
    newest: watch::Sender<Millis>,
    lost: AtomicU64,
    repeated: AtomicUsize,
}

/// A run that was acknowledged, and what was seen of it.
#[derive(Debug)]
pub struct Lived {
    /// The run.
    pub run: RunId,
    /// What each watcher saw.
    pub reads: Vec<Read>,
    /// Whether an answer was acknowledged.
    pub answered: bool,
    /// What the server should not have said.
    pub wrong: Vec<String>,
}

/// How soon a request that got no answer is sent again.
const AGAIN_AFTER: Duration = Duration::from_millis(30);
/// How much later a second watcher may come.
const LATE_MS_MAX: u64 = 800;
/// How many of 100 requests are sent once more although they were acknowledged.
const REPEATED: u64 = 25;

impl Fleet {
    /// Nothing runs yet.
    pub fn new(ask: Ask, server: Server) -> Self {
        Self {
            ask,
            server,
            stop: watch::Sender::new(false),
            live: watch::Sender::new(0),
            newest: watch::Sender::new(Millis::new(0)),
            lost: AtomicU64::new(0),
            repeated: AtomicUsize::new(0),
        }
    }

    /// Keeps this many runs going, each followed by the next one, until `stop`.
    pub fn launch(self: &Arc<Self>, runs: usize, seed: u64) -> JoinSet<Vec<Lived>> {
        let mut slots = JoinSet::new();
        for slot in 0..runs {
            let random = Random::new(seed.wrapping_mul(1_000_003).wrapping_add(slot as u64));
            slots.spawn(Arc::clone(self).slot(slot, random));
        }
        slots
    }

    /// No new runs; those that are live go on to their end.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Runs that are started and have not ended for their watchers.
    pub fn live(&self) -> usize {
        *self.live.borrow()
    }

    /// Answers that never came although the request was taken.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Requests that were sent again although they were acknowledged.
    pub fn repeated(&self) -> usize {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Waits until this many runs are live.
    pub async fn all_live(&self, runs: usize, patience: Duration) -> Result<(), KillError> {
        let mut live = self.live.subscribe();
        let reached = timeout(patience, live.wait_for(|live| *live >= runs)).await;
        match reached {
            Ok(_) => Ok(()),
            Err(_) => Err(KillError::Wrong(format!("only {} runs live", self.live()))),
        }
    }

    /// Waits until a watcher has an event that happened at this moment or later.
    pub async fn heard_since(&self, at: Millis) {
        let mut newest = self.newest.subscribe();
        // INVARIANT: the sender is in `self`.
        let _ = newest.wait_for(|newest| *newest >= at).await;
    }

    async fn slot(self: Arc<Self>, slot: usize, mut random: Random) -> Vec<Lived> {
        let mut lived = Vec::new();
        while !*self.stop.borrow() {
            let name = format!("{slot}-{}", lived.len());
            lived.push(self.life(&name, &mut random).await);
        }
        lived
    }

    /// One run, from its start to the end that its watchers see.
    async fn life(&self, name: &str, random: &mut Random) -> Lived {
        let mut wrong = Vec::new();
        let Some(run) = self.start(name, random, &mut wrong).await else {
            // Without a run there is nothing to follow; the verdict shows why.
            sleep(AGAIN_AFTER).await;
            let run = RunId::from_parts(Millis::new(0), [0; 10]);
            return Lived {
                run,
                reads: Vec::new(),
                answered: false,
                wrong,
            };
        };
        self.live.send_modify(|live| *live += 1);
        let (asked, mut asks) = watch::channel(false);
        let late = random.chance(50).then(|| random.below(LATE_MS_MAX));
        let mut chance = Random::new(random.below(u64::MAX));
        let watching = async {
            let second = async {
                match late {
                    Some(ms) => {
                        sleep(Duration::from_millis(ms)).await;
                        Some(self.watch(&run, None).await)
                    }
                    None => None,
                }
            };
            let (first, second) = tokio::join!(self.watch(&run, Some(asked)), second);
            [Some(first), second].into_iter().flatten().collect()
        };
        let answering = async {
            // An end without a question: the run's attempts were used up.
            let asks = asks.wait_for(|asked| *asked).await.is_ok();
            asks && self.answer(&run, name, &mut chance, &mut wrong).await
        };
        let (reads, answered) = tokio::join!(watching, answering);
        self.live.send_modify(|live| *live -= 1);
        Lived {
            run,
            reads,
            answered,
            wrong,
        }
    }

    async fn start(
        &self,
        name: &str,
        random: &mut Random,
        wrong: &mut Vec<String>,
    ) -> Option<RunId> {
        let key = format!("start-{name}");
        let start = || self.ask.start("killed", &key, json!({}));
        let Started { run_id, .. } = self.insist(start, wrong).await?;
        if random.chance(REPEATED) {
            self.repeated.fetch_add(1, Ordering::Relaxed);
            let again = self.insist(start, wrong).await?;
            if !again.known || again.run_id != run_id {
                wrong.push(format!("the start `{key}` counted twice"));
            }
        }
        Some(run_id)
    }

    async fn answer(
        &self,
        run: &RunId,
        name: &str,
        random: &mut Random,
        wrong: &mut Vec<String>,
    ) -> bool {
        let key = format!("answer-{name}");
        let value = match random.chance(75) {
            true => "Send",
            false => "Drop",
        };
        let key = key.as_str();
        let answer = |value| move || self.ask.answer(run, "ask", value, key);
        if self.insist(answer(value), wrong).await.is_none() {
            return false;
        }
        if random.chance(REPEATED) {
            self.repeated.fetch_add(1, Ordering::Relaxed);
            // The same answer again, as a client sends it that does not know what became of it.
            if self.insist(answer(value), wrong).await == Some(false) {
                wrong.push(format!("the answer `{key}` counted twice"));
            }
        }
        true
    }

    /// Asks until there is an answer; notes one that it should not have been.
    async fn insist<T, F>(&self, ask: impl Fn() -> F, wrong: &mut Vec<String>) -> Option<T>
    where
        F: Future<Output = Result<T, ServedError>>,
    {
        loop {
            match ask().await {
                Ok(answer) => return Some(answer),
                Err(error) if error.asks_again() => {
                    let taken = matches!(error, ServedError::Lost { .. });
                    self.lost.fetch_add(u64::from(taken), Ordering::Relaxed);
                    sleep(AGAIN_AFTER).await;
                }
                Err(error) => {
                    wrong.push(error.to_string());
                    return None;
                }
            }
        }
    }

    /// Follows a run to its end; `asked` is told when it asks.
    async fn watch(&self, run: &RunId, asked: Option<watch::Sender<bool>>) -> Read {
        let heard = |raw: &RawEvent| {
            // One that cannot be read is not what is stored, which the verdict finds.
            let Ok(event) = raw.clone().read(run) else {
                return;
            };
            self.newest.send_if_modified(|newest| {
                let newer = event.timestamp > *newest;
                *newest = (*newest).max(event.timestamp);
                newer
            });
            if let (EventBody::WaitOpened(wait), Some(asked)) = (&event.body, &asked) {
                asked.send_replace(wait.question.is_some());
            }
        };
        Reader::default().read(&self.server, run, heard).await
    }
}
