//! The loop: start, kill, carry on, answer, until there were enough kills; then let everything end.

use crate::process::{Bench, Ended};
use crate::verdict::{Told, Verdict};
use crate::{KillError, io, workflows};
use lattice_journal::{Head, RunStatus};
use lattice_local::LocalStore;
use lattice_model::RunId;
use lattice_model_server::{ModelServer, Options};
use lattice_ports::{RunFilter, RunIndex};
use lattice_served::Random;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// The `lattice` to kill.
    pub binary: PathBuf,
    /// How often.
    pub kills: u32,
    /// For the choices.
    pub seed: u64,
    /// Whether the model server applies an effect once for each idempotency key.
    pub honour_keys: bool,
}

/// Runs that are unfinished at the same time, at most.
const UNFINISHED_MAX: usize = 8;
/// The longest life of a process that is to be killed.
const LIFE_MS_MAX: u64 = 500;
/// From the effect to its answer.
const LATENCY: Duration = Duration::from_millis(100);
/// Processes started without a kill, after which the runs must be over.
const CALM_MAX: u32 = 200;

/// Why a run may not be forked so: it is a batch of a list, it is a fork and the event is half of its
/// beginning, or its failure was at no stage.
const NO_FORK: [&str; 3] = [
    "is a batch of a map",
    "is a fork itself",
    "failed at no stage",
];

/// The loop's state.
pub struct Harness {
    plan: Plan,
    bench: Bench,
    data: PathBuf,
    random: Random,
    told: Told,
}

impl Harness {
    /// Does it all, and judges.
    pub async fn perform(plan: Plan) -> Result<Verdict, KillError> {
        let options = Options {
            honour_keys: plan.honour_keys,
            latency: LATENCY,
            ..Options::default()
        };
        let server = ModelServer::start(options)
            .await
            .map_err(io("no model server"))?;
        let dir = tempfile::tempdir().map_err(io("no temporary directory"))?;
        for workflow in [workflows::families(), workflows::below()] {
            let name = workflow["id"].as_str().unwrap_or_default();
            let path = dir.path().join(format!("{name}.json"));
            std::fs::write(path, workflow.to_string()).map_err(io("no workflow file"))?;
        }
        let mut harness = Self {
            bench: Bench::new(plan.binary.clone(), dir.path(), server.base_url()),
            data: dir.path().join("data"),
            random: Random::new(plan.seed),
            told: Told::default(),
            plan,
        };
        // The server answers on the runtime's other threads while this one waits for processes.
        tokio::task::block_in_place(|| harness.kill_often())?;
        tokio::task::block_in_place(|| harness.let_end())?;
        let Harness {
            plan, data, told, ..
        } = harness;
        Verdict::read(&data, told, plan.honour_keys, server.counts()).await
    }

    fn kill_often(&mut self) -> Result<(), KillError> {
        while self.told.kills < self.plan.kills {
            let unfinished = self.unfinished()?;
            let waiting: Vec<RunId> = unfinished
                .iter()
                .filter(|(_, status)| *status == RunStatus::Waiting)
                .map(|(run, _)| run.clone())
                .collect();
            let many = unfinished.len() >= UNFINISHED_MAX;
            if !waiting.is_empty() && (many || self.random.chance(40)) {
                let pick = usize::try_from(self.random.below(waiting.len() as u64)).unwrap_or(0);
                if let Some(run) = waiting.get(pick) {
                    self.signal(run, true)?;
                }
            }
            match many {
                false if self.random.chance(20) => self.fork()?,
                false if self.random.chance(50) => self.run()?,
                _ => self.resume(true)?,
            }
        }
        Ok(())
    }

    fn let_end(&mut self) -> Result<(), KillError> {
        for _ in 0..CALM_MAX {
            let unfinished = self.unfinished()?;
            if unfinished.is_empty() {
                return Ok(());
            }
            self.resume(false)?;
            for (run, _) in unfinished {
                self.signal(&run, false)?;
            }
        }
        // The verdict counts them as stuck.
        Ok(())
    }

    /// A new run.
    fn run(&mut self) -> Result<(), KillError> {
        let life = self.life();
        let ended = self
            .bench
            .start(&["run", "killed.json", "--json"], Some(life))?;
        self.note(&ended, &[0, 3])
    }

    /// A fork of a run that is over, from one of its events or from before its failure.
    fn fork(&mut self) -> Result<(), KillError> {
        let heads = heads(&self.data)?;
        let over: Vec<&Head> = heads.iter().filter(|it| it.status.is_terminal()).collect();
        let pick = self.random.below((over.len() as u64).max(1));
        let Some(head) = usize::try_from(pick).ok().and_then(|pick| over.get(pick)) else {
            return Ok(());
        };
        let at = (1 + self.random.below(head.seq.get())).to_string();
        let failed = head.status == RunStatus::Failed && self.random.chance(50);
        let run = head.run.as_str();
        let words = match failed {
            true => vec!["fork", run, "--json", "--from-failed"],
            false => vec!["fork", run, "--json", "--at", &at],
        };
        let life = self.random.chance(70).then(|| self.life() / 8);
        let ended = self.bench.start(&words, life)?;
        let is_fair = NO_FORK.iter().any(|text| ended.said.contains(text));
        self.note(&ended, if is_fair { &[1] } else { &[0] })
    }

    fn resume(&mut self, kill: bool) -> Result<(), KillError> {
        if !self.data.join("lattice.db").exists() {
            return Ok(());
        }
        let life = kill.then(|| self.life());
        let ended = self.bench.start(&["resume", "--json"], life)?;
        if let Some(first) = ended.first_line {
            self.told.resumed.push(first);
        }
        self.note(&ended, &[0, 1, 3])
    }

    /// Answers; the run may not have come to its question yet, or be over.
    fn signal(&mut self, run: &RunId, kill: bool) -> Result<(), KillError> {
        let life = (kill && self.random.chance(30)).then(|| self.life() / 20);
        let ended = self
            .bench
            .start(&["signal", run.as_str(), "ask", "Send"], life)?;
        self.note(&ended, &[0, 1])
    }

    fn note(&mut self, ended: &Ended, fine: &[i32]) -> Result<(), KillError> {
        match ended.code {
            None => self.told.kills += 1,
            Some(code) if fine.contains(&code) => {}
            Some(code) => {
                let text = format!("lattice ended with {code}: {}", ended.said.trim());
                return Err(KillError::Wrong(text));
            }
        }
        let events = ended.lines.iter().filter(|line| line.get("seq").is_some());
        self.told.events.extend(events.map(Value::to_string));
        Ok(())
    }

    fn life(&mut self) -> Duration {
        Duration::from_millis(self.random.below(LIFE_MS_MAX))
    }

    fn unfinished(&self) -> Result<Vec<(RunId, RunStatus)>, KillError> {
        unfinished(&self.data)
    }
}

/// The runs that are not over, as a reader beside the owner sees them.
fn unfinished(data: &Path) -> Result<Vec<(RunId, RunStatus)>, KillError> {
    let mut seen = BTreeSet::new();
    let heads = heads(data)?.into_iter();
    let open = heads.filter(|head| !head.status.is_terminal());
    Ok(open
        .filter(|head| seen.insert(head.run.clone()))
        .map(|head| (head.run, head.status))
        .collect())
}

fn heads(data: &Path) -> Result<Vec<Head>, KillError> {
    if !data.join("lattice.db").exists() {
        return Ok(Vec::new());
    }
    let store = match LocalStore::open_guest(data) {
        Ok(store) => store,
        // Killed before the first schema was there: nothing can be stored yet.
        Err(lattice_local::LocalError::Older { found: 0, .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let wait = tokio::runtime::Handle::current();
    let filter = RunFilter {
        limit: 100_000,
        ..RunFilter::default()
    };
    Ok(wait.block_on(store.heads(filter))?)
}
