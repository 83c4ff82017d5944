//! What is simulated: which Program, in which arrangement, with which faults. Written and read as
//! the flags of one command, so that every run can be repeated.

use crate::fate::{Fate, Kind};
use crate::oracle::Chance;
use clap::{Args, ValueEnum};
use lattice_model::{Guards, limits};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

pub use crate::case::{Case, RANDOM};

/// Whom somebody cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Whom {
    /// The run that was started.
    Root,
    /// The first run that it calls.
    Child,
}

/// How messages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Traffic {
    /// Once, at once, in order.
    Plain,
    /// Twice, both at once.
    Duplicated,
    /// Up to 20 s late, so in another order.
    Reordered,
    /// One to three times, each copy up to 15 minutes late.
    Chaos,
    /// Half of them never: more than a queue may lose, but a message is only a nudge, and what it
    /// is about stands in the log for the sweep to find.
    Lossy,
}

/// Who begins to work on a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Entry {
    /// A worker, by way of the queue.
    Queue,
    /// The client that starts it, in the same call.
    Here,
}

/// In which order calls that wait are let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// As they came.
    Fifo,
    /// Drawn from the seed.
    Drawn,
}

/// Faults drawn from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Regime {
    /// None but the one that is named.
    Calm,
    /// Processes die.
    Crashes,
    /// Answers of calls are lost.
    LostAnswers,
    /// Calls are refused, often.
    Throttling,
    /// Calls take up to twenty seconds.
    Slowness,
    /// All of these.
    Storm,
}

impl Regime {
    /// A fate; most often nothing happens.
    pub fn draw(self, chance: &mut Chance) -> Fate {
        let slow_ms = |chance: &mut Chance| chance.below(20_000) as u64;
        match self {
            Regime::Calm => Fate::Proceed,
            Regime::Crashes if chance.percent(5) => {
                chance.pick(Fate::CrashBefore, &[Fate::CrashAfter])
            }
            Regime::LostAnswers if chance.percent(15) => Fate::AnswerLost,
            Regime::Throttling if chance.percent(40) => Fate::Refused,
            Regime::Slowness if chance.percent(20) => {
                let ms = slow_ms(chance);
                chance.pick(Fate::SlowAfter(ms), &[Fate::SlowBefore(ms)])
            }
            Regime::Storm if chance.percent(12) => {
                let ms = slow_ms(chance);
                chance.pick(
                    Fate::CrashBefore,
                    &[
                        Fate::CrashAfter,
                        Fate::AnswerLost,
                        Fate::Refused,
                        Fate::SlowAfter(ms),
                        Fate::SlowBefore(ms),
                    ],
                )
            }
            _ => Fate::Proceed,
        }
    }
}

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct Scenario {
    /// Which Program: a shape of the shelf, or `random` for the one of the seed.
    #[arg(long, default_value = RANDOM)]
    pub shape: String,
    /// Fixes everything that is not named.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many workers share the store and the queue.
    #[arg(long, default_value_t = 1)]
    pub workers: u32,
    /// One process that owns its data alone, with its queue in memory.
    #[arg(long)]
    pub local: bool,
    /// Each delivery meets a worker that remembers nothing, as a serverless function may.
    #[arg(long)]
    pub forgetful: bool,
    /// Who begins to work on the run.
    #[arg(long, value_enum, default_value_t = Entry::Queue)]
    pub entry: Entry,
    /// How messages travel.
    #[arg(long, value_enum, default_value_t = Traffic::Plain)]
    pub traffic: Traffic,
    /// In which order calls are let go.
    #[arg(long, value_enum, default_value_t = Order::Fifo)]
    pub order: Order,
    /// Faults drawn from the seed.
    #[arg(long, value_enum, default_value_t = Regime::Calm)]
    pub regime: Regime,
    /// Whether people answer before they are asked.
    #[arg(long)]
    pub early: bool,
    /// The number of the call, from 1, that the fate befalls.
    #[arg(long)]
    pub crash_at: Option<u64>,
    /// The fate.
    #[arg(long, default_value_t = Fate::CrashBefore)]
    pub fate: Fate,
    /// The number of the call, from 1, before which somebody cancels the run.
    #[arg(long)]
    pub cancel_at: Option<u64>,
    /// Which run is cancelled.
    #[arg(long, value_enum, default_value_t = Whom::Root)]
    pub cancel_whom: Whom,
    /// The event at which the run is forked, once it has come to its end.
    #[arg(long)]
    pub fork_at: Option<u64>,
    /// Costly stages that one delivery performs.
    #[arg(long, default_value_t = limits::CHAIN_STAGES_MAX)]
    pub chain: usize,
    /// How long the queue hides a message from the others.
    #[arg(long, default_value_t = 120_000)]
    pub visibility_ms: u64,
    /// How wrong a wall clock may be, either way.
    #[arg(long, default_value_t = 0)]
    pub skew_ms: u64,
    /// What only the teeth need; not a flag, because a tooth is asked for by its guard.
    #[arg(skip)]
    pub rig: Rig,
}

/// What the scenario of a guard arranges besides.
#[derive(Debug, Clone, PartialEq)]
pub struct Rig {
    /// The rules in force.
    pub guards: Guards,
    /// Fates of the n-th call of a kind, from 1.
    pub strikes: Vec<(Kind, u64, Fate)>,
    /// How many clients start the run.
    pub clients: u32,
    /// Whether a client that died comes back.
    pub clients_return: bool,
    /// Whether there is a sweep.
    pub sweeps: bool,
    /// Whether all workers write the same boot id.
    pub one_boot: bool,
    /// Whether stored checkpoints are damaged.
    pub corrupt_checkpoints: bool,
    /// An answer to a visit that is not the open one, given before the right ones.
    pub stray_answer: Option<Value>,
    /// How long every effect takes.
    pub effect_ms: Option<u64>,
    /// How long the effects of some stages take.
    pub stages_ms: BTreeMap<String, u64>,
    /// Whether a run that waits is watched until its lifetime is over.
    pub to_the_end: bool,
}

impl Default for Rig {
    fn default() -> Self {
        Self {
            guards: Guards::ALL,
            strikes: Vec::new(),
            clients: 1,
            clients_return: true,
            sweeps: true,
            one_boot: false,
            corrupt_checkpoints: false,
            stray_answer: None,
            effect_ms: None,
            stages_ms: BTreeMap::new(),
            to_the_end: false,
        }
    }
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            shape: RANDOM.to_owned(),
            seed: 1,
            workers: 1,
            local: false,
            forgetful: false,
            entry: Entry::Queue,
            traffic: Traffic::Plain,
            order: Order::Fifo,
            regime: Regime::Calm,
            early: false,
            crash_at: None,
            fate: Fate::CrashBefore,
            cancel_at: None,
            cancel_whom: Whom::Root,
            fork_at: None,
            chain: limits::CHAIN_STAGES_MAX,
            visibility_ms: 120_000,
            skew_ms: 0,
            rig: Rig::default(),
        }
    }
}

impl Scenario {
    /// A quiet scenario of a case, to be changed.
    pub fn of(case: &Case) -> Self {
        let (shape, early) = (case.name.clone(), case.answers_early);
        Self {
            shape,
            early,
            ..Self::default()
        }
    }

    /// How long an effect may outlive the end of its run: one look at the tail, and what it takes
    /// where calls are slow.
    pub fn fence_ms(&self) -> u64 {
        let slow_ms = match self.regime {
            Regime::Slowness | Regime::Storm => 60_000,
            // A look that is refused is followed by another one.
            Regime::Calm if self.crash_at.is_none() => 0,
            _ => 30 * limits::CANCEL_POLL_MS,
        };
        limits::CANCEL_POLL_MS + slow_ms
    }

    /// Whether anything but what was asked for can happen.
    pub fn has_faults(&self) -> bool {
        self.crash_at.is_some() || self.regime != Regime::Calm || !self.rig.strikes.is_empty()
    }

    /// The flags that differ from the usual ones.
    fn flags(&self) -> Vec<String> {
        let usual = Self::default();
        let word = |value: &dyn ToString| value.to_string();
        let mut flags = vec![format!("--shape {} --seed {}", self.shape, self.seed)];
        if let Some(number) = self.crash_at {
            flags.push(format!("--crash-at {number} --fate {}", self.fate));
        }
        flags.push(format!("--workers {}", self.workers));
        let pairs = [
            ("--entry", name(&self.entry), name(&usual.entry)),
            ("--traffic", name(&self.traffic), name(&usual.traffic)),
            ("--order", name(&self.order), name(&usual.order)),
            (
                "--cancel-whom",
                name(&self.cancel_whom),
                name(&usual.cancel_whom),
            ),
            ("--regime", name(&self.regime), name(&usual.regime)),
            ("--chain", word(&self.chain), word(&usual.chain)),
            (
                "--visibility-ms",
                word(&self.visibility_ms),
                word(&usual.visibility_ms),
            ),
            ("--skew-ms", word(&self.skew_ms), word(&usual.skew_ms)),
        ];
        let changed = pairs.into_iter().filter(|(_, value, usual)| value != usual);
        flags.extend(changed.map(|(flag, value, _)| format!("{flag} {value}")));
        flags.extend(self.cancel_at.map(|number| format!("--cancel-at {number}")));
        flags.extend(self.fork_at.map(|seq| format!("--fork-at {seq}")));
        for (flag, is_set) in [
            ("--local", self.local),
            ("--forgetful", self.forgetful),
            ("--early", self.early),
        ] {
            flags.extend(is_set.then(|| flag.to_owned()));
        }
        flags
    }
}

fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The command that repeats it.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cargo xtask sim {}", self.flags().join(" "))
    }
}

#[cfg(test)]
#[path = "scenario_tests.rs"]
mod tests;
