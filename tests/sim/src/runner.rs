//! Simulates one scenario: polls tasks, lets calls go, passes time, kills and restarts.

use crate::desk::{ProcessId, Ticket};
use crate::executor::Executor;
use crate::family::{check_deliveries, root};
use crate::fate::{Fate, Kind};
use crate::forks;
use crate::judge::judge;
use crate::oracle::Chance;
use crate::process;
use crate::report::{BreachKind, Report};
use crate::scenario::{Case, Order, Regime, Scenario};
use crate::seen;
use crate::sim::{CANCELLER, CLIENT, FORKER, Sim};
use futures::FutureExt;
use lattice_journal::RunStatus;
use lattice_model::Hash;
use lattice_ports::{Inbox, RunFilter, RunIndex, Workflows};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Calls after which a simulation is called stuck.
const CALLS_MAX: usize = 20_000;
/// Messages that a process serves at once that owns its data.
const HANDS: u32 = 2;
/// How long a process that died stays away.
const RESTART_MS: u64 = 2_000;
/// Faults drawn for one simulation, at most: it has to be able to end.
const FAULTS_MAX: usize = 40;
/// The spacing of sweeps.
const SWEEP_MS: u64 = 60_000;
/// Time for which a run with drawn faults may go on longer than its timers: sweeps are up to 15
/// minutes apart, and every fault may cost one of them and a lease.
const PATIENCE_MS: u64 = 48 * 3_600_000;

/// Simulates the scenario and judges what it left.
pub fn simulate(case: &Case, scenario: &Scenario) -> Report {
    // A fork has all of the time again.
    let runs = 1 + u64::from(scenario.fork_at.is_some());
    let bound_ms = (case.timers_ms() + PATIENCE_MS).saturating_mul(runs);
    Runner::new(case, scenario, bound_ms).run()
}

/// The same with a bound on the virtual time: past it the run is called stuck.
pub fn simulate_within(case: &Case, scenario: &Scenario, bound_ms: u64) -> Report {
    Runner::new(case, scenario, bound_ms).run()
}

struct Runner {
    sim: Arc<Sim>,
    executor: Executor,
    chance: Chance,
    lives: BTreeMap<ProcessId, u32>,
    alive: BTreeSet<ProcessId>,
    returns: Vec<(u64, ProcessId)>,
    calls: Vec<Kind>,
    of_kind: BTreeMap<Kind, u64>,
    faults: Vec<(u64, Kind, Fate)>,
    trace: String,
    swept_ms: u64,
    ended_ms: u64,
    bound_ms: u64,
}

impl Runner {
    fn new(case: &Case, scenario: &Scenario, bound_ms: u64) -> Self {
        let sim = Arc::new(Sim::new(case, scenario));
        for plan in case.plans() {
            let stored = sim.raw.put_program(plan.hash(), Arc::clone(plan.program()));
            if !matches!(stored.now_or_never(), Some(Ok(()))) {
                sim.breach(BreachKind::Wrong, "the program could not be stored");
            }
        }
        Self {
            executor: Executor::default(),
            chance: Chance::new(scenario.seed ^ 0x5eed),
            lives: BTreeMap::new(),
            alive: BTreeSet::new(),
            returns: Vec::new(),
            calls: Vec::new(),
            of_kind: BTreeMap::new(),
            faults: Vec::new(),
            trace: String::new(),
            swept_ms: 0,
            ended_ms: 0,
            bound_ms,
            sim,
        }
    }

    fn run(mut self) -> Report {
        for worker in 0..self.sim.scenario.workers {
            self.begin(worker);
        }
        if !self.sim.scenario.local {
            for client in 0..self.sim.scenario.rig.clients {
                self.begin(CLIENT + client);
            }
        }
        while !self.sim.is_breached() && self.advance() {}
        if !self.sim.is_breached() {
            self.judge();
        }
        self.report()
    }

    fn judge(&self) {
        if self.sim.scenario.fork_at.is_some() {
            return forks::judge(&self.sim);
        }
        judge(&self.sim);
        let received = self.of_kind.get(&Kind::Receive).copied().unwrap_or(0);
        self.sim
            .look(|shadows| check_deliveries(&self.sim, shadows, received));
    }

    /// One thing more; `false` when nothing is left that could happen.
    fn advance(&mut self) -> bool {
        if self.executor.poll_one() {
            self.bury_the_dead();
            return true;
        }
        if let Some(ticket) = self.pick() {
            self.let_go(ticket);
            return true;
        }
        let Some(next_ms) = self.next_ms() else {
            return self.ask_after_all();
        };
        if next_ms > self.bound_ms || self.calls.len() > CALLS_MAX {
            let calls = self.calls.len();
            let text = format!("after {calls} calls nothing has come of the run");
            self.sim.breach(BreachKind::Stuck, text);
            return false;
        }
        self.pass_until(next_ms);
        true
    }

    /// A run that has come to rest before the call at which it should be cancelled is cancelled
    /// now, and one that is to be forked is forked.
    fn ask_after_all(&mut self) -> bool {
        let scenario = &self.sim.scenario;
        let asks = [(scenario.cancel_at, CANCELLER), (scenario.fork_at, FORKER)];
        let mut asks = asks.into_iter();
        let due = asks.find(|(at, who)| at.is_some() && !self.lives.contains_key(who));
        if let Some((_, process)) = due {
            self.begin(process);
        }
        due.is_some()
    }

    fn pick(&mut self) -> Option<Ticket> {
        if self.calls.len() > CALLS_MAX {
            return None;
        }
        let place = match self.sim.scenario.order {
            Order::Fifo => 0,
            Order::Drawn => self.chance.below(self.sim.desk.len()),
        };
        self.sim.desk.nth(place)
    }

    fn let_go(&mut self, ticket: Ticket) {
        let number = self.calls.len() as u64 + 1;
        if self.sim.scenario.cancel_at == Some(number) && !self.lives.contains_key(&CANCELLER) {
            self.begin(CANCELLER);
        }
        let fate = self.fate(number, ticket);
        self.calls.push(ticket.kind);
        self.ended_ms = self.sim.now_ms();
        let line = format!(
            "{number} {} {:?} {fate} {}\n",
            ticket.process, ticket.kind, self.ended_ms
        );
        self.trace.push_str(&line);
        if fate != Fate::Proceed {
            self.faults.push((number, ticket.kind, fate));
        }
        match fate {
            Fate::CrashBefore => self.kill(ticket.process),
            _ => self.sim.desk.grant(ticket, fate),
        }
    }

    fn fate(&mut self, number: u64, ticket: Ticket) -> Fate {
        let scenario = &self.sim.scenario;
        let of_kind = self.of_kind.entry(ticket.kind).or_default();
        *of_kind += 1;
        let struck = |(kind, nth, _): &&(Kind, u64, Fate)| *kind == ticket.kind && nth == of_kind;
        if let Some((_, _, fate)) = scenario.rig.strikes.iter().find(struck) {
            return *fate;
        }
        if scenario.crash_at == Some(number) {
            return scenario.fate;
        }
        let (regime, local) = (scenario.regime, scenario.local);
        let drawn = regime.draw(&mut self.chance);
        let limit = match regime {
            // Slow calls do not keep anything from ending.
            Regime::Slowness => CALLS_MAX,
            _ => FAULTS_MAX,
        };
        let slow = matches!(drawn, Fate::SlowAfter(_) | Fate::SlowBefore(_));
        let can = match slow {
            true => ticket.kind.group() != crate::fate::Group::Mute,
            false => drawn.applies(ticket.kind, local),
        };
        if can && self.faults.len() < limit {
            drawn
        } else {
            Fate::Proceed
        }
    }

    /// The moment at which something happens by itself; `None` if nothing ever will, or only what
    /// a run that waits need not be watched for.
    fn next_ms(&self) -> Option<u64> {
        let timers = [
            self.sim.clock.next_wake_ms(),
            self.next_message_ms(),
            self.next_sweep_ms(),
        ];
        let returns = self.returns.iter().map(|(at_ms, _)| *at_ms);
        timers.into_iter().flatten().chain(returns).min()
    }

    fn next_message_ms(&self) -> Option<u64> {
        let now_ms = self.sim.now_ms();
        self.sim
            .mailbox
            .next_due_ms()
            .filter(|due_ms| *due_ms > now_ms)
    }

    /// The next minute at whose sweep there is something to find.
    fn next_sweep_ms(&self) -> Option<u64> {
        let scenario = &self.sim.scenario;
        if !scenario.rig.sweeps {
            return None;
        }
        let minute_after = |at_ms: u64| (at_ms / SWEEP_MS + 1) * SWEEP_MS;
        let next = minute_after(self.swept_ms.max(self.sim.now_ms()));
        let unread = self.sim.raw.runs_with_unread(1).now_or_never();
        if matches!(unread, Some(Ok(runs)) if !runs.is_empty()) {
            return Some(next);
        }
        let filter = RunFilter {
            limit: usize::MAX,
            ..RunFilter::default()
        };
        let heads = match self.sim.raw.heads(filter).now_or_never() {
            Some(Ok(heads)) => heads,
            _ => Vec::new(),
        };
        let dues = heads.iter().filter_map(|head| {
            let due = head.due_at?;
            let deadline = self.sim.look_at(&head.run, |shadow| {
                let waits = shadow.state.status == RunStatus::Waiting;
                (waits && !scenario.rig.to_the_end).then_some(shadow.state.deadline)
            });
            let at_the_end = deadline.flatten().is_some_and(|deadline| due >= deadline);
            (!at_the_end).then(|| due.since(self.sim.world.started_at))
        });
        let due_ms = dues.min()?;
        Some(next.max(minute_after(due_ms.saturating_sub(1))))
    }

    fn pass_until(&mut self, next_ms: u64) {
        let sweep_due = self.next_sweep_ms() == Some(next_ms);
        self.sim
            .clock
            .advance(next_ms.saturating_sub(self.sim.now_ms()));
        self.sim.mailbox.stir();
        let back: Vec<_> = self
            .returns
            .iter()
            .filter(|(at, _)| *at <= next_ms)
            .copied()
            .collect();
        self.returns.retain(|(at, _)| *at > next_ms);
        for (_, process) in back {
            self.begin(process);
        }
        if sweep_due {
            self.swept_ms = next_ms;
            if let Some(worker) = self.alive.iter().copied().find(|process| *process < CLIENT) {
                let life = self.lives.get(&worker).copied().unwrap_or(0);
                let driver = process::driver(&self.sim, worker, life);
                self.executor.spawn(worker, process::sweep(driver));
            }
        }
    }

    /// A process begins another life.
    fn begin(&mut self, process: ProcessId) {
        let life = self.lives.entry(process).or_default();
        *life += 1;
        let driver = process::driver(&self.sim, process, *life);
        self.alive.insert(process);
        let sim = || Arc::clone(&self.sim);
        let client = (CLIENT..CANCELLER).contains(&process);
        if process < CLIENT && self.sim.scenario.forgetful {
            let working = process::work_forgetfully(sim(), process, *life);
            self.executor.spawn(process, working);
        } else if process < CLIENT {
            // A process that owns its data has several hands; a cloud worker has one.
            for _ in 0..if self.sim.scenario.local { HANDS } else { 1 } {
                self.executor
                    .spawn(process, process::work(sim(), Arc::clone(&driver)));
            }
        }
        if client || self.sim.scenario.local && process == 0 {
            self.executor
                .spawn(process, process::start(sim(), Arc::clone(&driver)));
            self.executor
                .spawn(process, process::answer(sim(), Arc::clone(&driver)));
        }
        if process == CANCELLER {
            self.executor
                .spawn(process, process::cancel(sim(), Arc::clone(&driver)));
        }
        if process == FORKER {
            let asking = forks::ask(sim(), Arc::clone(&driver));
            self.executor.spawn(process, asking);
            self.executor.spawn(process, forks::answer(sim(), driver));
        }
    }

    fn bury_the_dead(&mut self) {
        for process in self.sim.crashed() {
            self.kill(process);
        }
    }

    fn kill(&mut self, process: ProcessId) {
        if !self.alive.remove(&process) {
            return;
        }
        self.executor.kill(process);
        if self.sim.scenario.local && process < CLIENT {
            self.sim.mailbox.lose();
        }
        let client = process >= CLIENT;
        if !client || self.sim.scenario.rig.clients_return {
            let away_ms = match self.sim.scenario.regime {
                Regime::Calm => RESTART_MS,
                _ => RESTART_MS + self.chance.below(60_000) as u64,
            };
            self.returns.push((self.sim.now_ms() + away_ms, process));
        }
    }

    fn report(self) -> Report {
        let effects = crate::lock(&self.sim.effects);
        let (status, outcome, events, log) = self.sim.look(|shadows| {
            let last = root(shadows);
            let outcome = last.and_then(|shadow| seen::outcome(&self.sim, shadow).ok());
            let parts: Vec<Vec<u8>> = shadows
                .values()
                .flat_map(|shadow| &shadow.commits)
                .map(|commit| [commit.id.as_str().as_bytes(), &*commit.body].concat())
                .collect();
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            (
                last.map(|shadow| shadow.state.status),
                outcome,
                last.map_or(0, |shadow| shadow.tail.last().get()),
                Hash::of_parts(&parts),
            )
        });
        Report {
            breaches: self.sim.breaches(),
            calls: self.calls,
            events,
            faults: self.faults,
            status,
            outcome,
            ended_ms: self.ended_ms,
            effects: effects.count(),
            repeated: effects.repeated(),
            trace: Hash::of(self.trace.as_bytes()),
            lines: self.trace,
            log,
        }
    }
}
