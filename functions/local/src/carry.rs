//! Waits beside a host until there is nothing left to do for the runs that are followed, shows what
//! happens, gives the answers that were given beforehand, and stops on a signal of the system.

mod answer;
mod places;

use answer::{is_for_people, opened};

use crate::app::{App, Flags};
use crate::error::CliError;
use crate::host::Host;
use crate::input::Answers;
use crate::outcome::Exit;
use crate::progress::Progress;
use crate::watch::{Seen, Watched, Weight, weigh};
use lattice_driver::{DriverError, RequestError, Started, load_run};
use lattice_engine::RunState;
use lattice_ir::Plan;
use lattice_journal::{Commit, EventBody, RunStatus};
use lattice_model::limits::{CANCEL_WAIT_MS, CARRY_ERRORS_MAX};
use lattice_model::{Guards, Millis, RunId};
use lattice_ports::{Clock, RunIndex};
use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal as SystemSignal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// What Ctrl-C does to the runs that are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInterrupt {
    /// They are cancelled.
    Cancel,
    /// They stay as they are.
    Leave,
}

/// The runs that are followed.
pub struct Carry<'a> {
    app: &'a App,
    host: &'a mut Host,
    flags: Flags,
    plan: Option<Arc<Plan>>,
    answers: Answers,
    runs: BTreeMap<RunId, Followed>,
    starting: bool,
    stop: Option<Stop>,
}

/// One run that is followed.
struct Followed {
    watched: Watched,
    progress: Progress,
    broken: Option<CliError>,
}

/// The process was asked to stop.
struct Stop {
    exit: Exit,
    until: Instant,
}

impl<'a> Carry<'a> {
    /// Follows nothing yet.
    pub fn new(app: &'a App, host: &'a mut Host, flags: Flags) -> Self {
        let (runs, answers) = (BTreeMap::new(), Answers::new());
        Self {
            app,
            host,
            flags,
            plan: None,
            answers,
            runs,
            starting: false,
            stop: None,
        }
    }

    /// Follows the run that is about to begin with this plan.
    pub fn expect(&mut self, plan: Arc<Plan>, answers: Answers) {
        (self.plan, self.answers, self.starting) = (Some(plan), answers, true);
    }

    /// Follows a run that exists, itself alone.
    async fn follow(&mut self, run: &RunId) -> Result<bool, CliError> {
        let driver = &self.host.driver;
        let loaded = load_run(&**driver.store(), run, Guards::ALL).await?;
        let state = loaded.ok_or_else(|| DriverError::NoRun(run.clone()))?.state;
        let mut progress = Progress::new(driver.plan(state.program).await?);
        progress.begin_at(&state, driver.clock().now());
        let watched = Watched::at(state);
        let over = watched.state.status.is_terminal();
        self.runs.insert(
            run.clone(),
            Followed {
                watched,
                progress,
                broken: None,
            },
        );
        Ok(!over)
    }

    /// Follows a run that exists, and those that it waits for. Says whether there is anything left to
    /// do for it.
    pub async fn follow_all(&mut self, run: &RunId) -> Result<bool, CliError> {
        let goes_on = self.follow(run).await?;
        let mut calling = vec![run.clone()];
        while let Some(above) = calling.pop() {
            let one = self.runs.get(&above).map(|one| &one.watched.state);
            let below = one.into_iter().flat_map(RunState::children);
            let below: Vec<RunId> = below.map(|(_, child)| child.run.clone()).collect();
            for child in below {
                // One that has not begun is followed from its first commit on.
                let known = self.host.driver.store().head(&child).await;
                if known.map_err(DriverError::from)?.is_some() {
                    self.follow(&child).await?;
                    self.host.wake(&child).await?;
                    calling.push(child);
                }
            }
        }
        Ok(goes_on)
    }

    /// Hands a run that is followed to the workers.
    pub async fn wake(&self, run: &RunId) -> Result<(), CliError> {
        self.host.wake(run).await
    }

    /// Waits until every run that is followed is over or waits for people, or a signal comes.
    pub async fn wait(&mut self, on_interrupt: OnInterrupt) -> Result<Exit, CliError> {
        let mut interrupts = signal(SignalKind::interrupt()).map_err(CliError::Runtime)?;
        let mut terms = signal(SignalKind::terminate()).map_err(CliError::Runtime)?;
        while !self.is_settled() || self.begin_in_line().await? {
            let until = self.stop.as_ref().map(|stop| stop.until);
            tokio::select! {
                seen = self.host.seen.recv() => match seen {
                    Some(seen) => self.take(seen).await?,
                    None => return Err(CliError::Task("the workers are gone".to_owned())),
                },
                () = heard(&mut interrupts) => self.interrupt(on_interrupt).await,
                () = heard(&mut terms) => {
                    self.stop = Some(Stop { exit: Exit::Terminated, until: Instant::now() });
                }
                () = at(until) => break,
            }
        }
        Ok(self.exit())
    }

    /// The states of the runs that are followed.
    pub fn states(&self) -> impl Iterator<Item = (&RunId, &RunState)> {
        self.runs
            .iter()
            .map(|(run, followed)| (run, &followed.watched.state))
    }

    fn is_settled(&self) -> bool {
        let now = self.host.driver.clock().now();
        let settled = |one: &Followed| one.broken.is_some() || one.watched.is_settled(now);
        let quiet = self.host.seen.is_empty() && !self.starting;
        // A run that is called is told of behind its call, and its end wakes the one above.
        let called = |(_, state): (_, &RunState)| {
            let mut children = state.children();
            children.all(|(_, child)| {
                let below = self.runs.get(&child.run);
                below.is_some_and(|below| !below.watched.state.status.is_terminal())
            })
        };
        match &self.stop {
            Some(stop) if stop.until <= Instant::now() => true,
            // Cancelled runs are waited for, those that wait for people too.
            Some(_) => self.states().all(|(_, state)| state.status.is_terminal()),
            None => quiet && self.states().all(called) && self.runs.values().all(settled),
        }
    }

    /// The runs that no other one calls which is followed.
    fn roots(&self) -> impl Iterator<Item = &Followed> {
        let called = |one: &Followed| {
            let parent = one.watched.state.parent.as_ref();
            parent.is_some_and(|parent| self.runs.contains_key(&parent.run))
        };
        self.runs.values().filter(move |one| !called(one))
    }

    fn exit(&self) -> Exit {
        let exit = |one: &Followed| match one.broken {
            Some(_) => Exit::Failed,
            None => Exit::of(one.watched.state.status),
        };
        let all = Exit::worst(self.roots().map(exit));
        let ended_anyhow =
            |state: &RunState| matches!(state.status, RunStatus::Completed | RunStatus::Failed);
        match &self.stop {
            // The end overtook the cancel.
            Some(_) if !self.runs.is_empty() && self.states().all(|(_, s)| ended_anyhow(s)) => all,
            Some(stop) => stop.exit,
            None => all,
        }
    }

    async fn take(&mut self, seen: Seen) -> Result<(), CliError> {
        match seen {
            Seen::Started(started) => self.started(started?).await,
            Seen::Committed(commit) => self.committed(commit).await,
            Seen::Served(run) => {
                self.served(&run);
                Ok(())
            }
            Seen::Trouble(run, error) => self.trouble(&run, error),
            Seen::Broken(task) => Err(CliError::Task(task)),
        }
    }

    fn served(&mut self, run: &RunId) {
        if let Some(one) = self.runs.get_mut(run) {
            one.watched.served = true;
        }
    }

    async fn started(&mut self, started: Started) -> Result<(), CliError> {
        self.starting = false;
        if started.known {
            let run = &started.run;
            self.app
                .screen
                .line(format!("{run} was started under this key before"));
            let goes_on = self.follow_all(run).await?;
            self.check_same(run)?;
            self.answer_open(run).await?;
            if goes_on {
                self.host.wake(run).await?;
            }
        } else {
            self.served(&started.run);
        }
        Ok(())
    }

    /// A key that stands for a run of another workflow would give that one's output for this one's.
    fn check_same(&self, run: &RunId) -> Result<(), CliError> {
        let (Some(plan), Some(one)) = (&self.plan, self.runs.get(run)) else {
            return Ok(());
        };
        let (wanted, known) = (plan.program(), &one.watched.state);
        if wanted.workflow != known.workflow {
            let text = format!("the key belongs to {run}, a run of `{}`", known.workflow);
            let help = format!("give another `--key`, or look at it: lattice show {run}");
            return Err(CliError::said(text, help + &self.flags.data));
        }
        if plan.hash() != known.program {
            let note = format!("{run} is a run of another version of `{}`", known.workflow);
            self.app.screen.note(note);
        }
        Ok(())
    }

    async fn committed(&mut self, commit: Commit) -> Result<(), CliError> {
        let run = commit.run.clone();
        if let Some(plan) = self.plan_of_new(&commit).await? {
            let progress = Progress::new(plan);
            let watched = Watched::at(RunState::empty());
            self.runs.insert(
                run.clone(),
                Followed {
                    watched,
                    progress,
                    broken: None,
                },
            );
        }
        let several = self.runs.len() > 1;
        let Some(one) = self.runs.get_mut(&run) else {
            return Ok(());
        };
        let screen = &self.app.screen;
        let mut asked = Vec::new();
        for event in one.watched.take(commit) {
            screen.record(&event);
            // The run above says what came of a batch; nobody reads thousands of lines.
            if one.watched.state.batch.is_some() && !is_for_people(&event) {
                continue;
            }
            for line in one.progress.lines(&event, &self.flags.data, screen) {
                screen.line(if several {
                    format!("{run} {line}")
                } else {
                    line
                });
            }
            if let Some(wait) = opened(&event) {
                asked.push(wait.clone());
            }
        }
        for wait in asked {
            self.answer(&run, &wait.node, &wait.stage).await?;
        }
        Ok(())
    }

    /// The plan of a run that begins with this commit, if the run is to be followed: the one that was
    /// asked for, and whatever a followed run calls.
    async fn plan_of_new(&self, commit: &Commit) -> Result<Option<Arc<Plan>>, CliError> {
        let first = commit.events.first().map(|event| &event.body);
        let Some(EventBody::RunQueued(queued)) = first else {
            return Ok(None);
        };
        Ok(match &queued.parent {
            None => self.plan.clone(),
            Some(parent) if self.runs.contains_key(&parent.run) => {
                Some(self.host.driver.plan(queued.program).await?)
            }
            Some(_) => None,
        })
    }

    fn trouble(&mut self, run: &RunId, error: DriverError) -> Result<(), CliError> {
        if weigh(&error) == Weight::OfTheStore {
            return Err(error.into());
        }
        let Some(one) = self.runs.get_mut(run) else {
            return Ok(());
        };
        one.watched.errors += 1;
        let passing = weigh(&error) == Weight::Passing && one.watched.errors < CARRY_ERRORS_MAX;
        if !passing && one.broken.is_none() {
            let error = CliError::from(error);
            self.app.screen.fail(&error);
            one.broken = Some(error);
        }
        Ok(())
    }

    async fn interrupt(&mut self, on_interrupt: OnInterrupt) {
        let again = self.stop.is_some();
        let wait_ms = if again || on_interrupt == OnInterrupt::Leave {
            0
        } else {
            CANCEL_WAIT_MS
        };
        let until = Instant::now() + Duration::from_millis(wait_ms);
        self.stop = Some(Stop {
            exit: Exit::Interrupted,
            until,
        });
        if wait_ms == 0 {
            return;
        }
        self.app
            .screen
            .note("cancelling; press Ctrl-C again to stop at once");
        // A cancel reaches what a run calls by itself.
        let ids: Vec<RunId> = self
            .runs
            .iter()
            .filter(|(_, one)| {
                let parent = one.watched.state.parent.as_ref();
                parent.is_none_or(|parent| !self.runs.contains_key(&parent.run))
            })
            .map(|(run, _)| run.clone())
            .collect();
        for run in &ids {
            match self.host.driver.cancel(run, "cancelled with Ctrl-C").await {
                Ok(_) => self.host.look(run),
                Err(RequestError::Over { .. }) => {}
                Err(error) => {
                    self.app.screen.fail(&error.into());
                }
            }
        }
    }
}

async fn heard(signal: &mut SystemSignal) {
    if signal.recv().await.is_none() {
        pending::<()>().await;
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

/// How long a run took until `now`, or until its end.
pub fn took_ms(state: &RunState, ended_at: Option<Millis>, now: Millis) -> u64 {
    ended_at.unwrap_or(now).since(state.started_at)
}
