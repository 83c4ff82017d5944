//! A model provider without a network. What it answers is a function of its seed, its script and
//! the question alone: the same again in another run, on another machine, after a restart.

mod script;

pub use script::{Answer, Entry, Fault, Script, ScriptError};

use crate::outcome::{Ask, estimate_input, estimate_tokens};
use crate::sample::sample;
use crate::telling::Telling;
use lattice_ir::{CallDone, CallOutcome};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::Hash;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The mock provider.
#[derive(Debug, Clone, Default)]
pub struct Mock {
    seed: u64,
    script: Script,
}

/// What the mock will do, and how long it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// From the question to the outcome.
    pub latency_ms: u64,
    /// What comes by then, even if the end is a failure.
    pub comes: String,
    /// In how many pieces it comes.
    pub pieces: u32,
    /// How it ends.
    pub end: PlannedEnd,
}

/// How a planned answer ends.
#[derive(Debug, Clone, PartialEq)]
pub enum PlannedEnd {
    /// With an answer or a failure.
    Outcome(CallOutcome),
    /// Not at all: nothing comes until the time is over.
    Stall,
}

impl Plan {
    /// What has come by when, piece by piece, evenly over the whole time. What comes at once is not
    /// told.
    fn tellings(&self) -> impl Iterator<Item = (Duration, &str)> {
        let ends = self.comes.char_indices();
        let ends: Vec<usize> = ends.map(|(at, letter)| at + letter.len_utf8()).collect();
        let pieces = match self.latency_ms {
            0 => 0,
            _ => ends
                .len()
                .min(usize::try_from(self.pieces).unwrap_or(usize::MAX)),
        };
        (1..=pieces).map(move |piece| {
            let end = ends.get(ends.len() * piece / pieces - 1).copied();
            let so_far = self.comes.get(..end.unwrap_or_default());
            let share = piece as f64 / pieces as f64;
            let after = Duration::from_millis((self.latency_ms as f64 * share) as u64);
            (after, so_far.unwrap_or_default())
        })
    }
}

impl Mock {
    /// A mock that follows the script, and makes answers up where the script says nothing.
    pub fn new(seed: u64, script: Script) -> Self {
        Self { seed, script }
    }

    /// Answers after the planned time, or fails when the question's own time is over. Tells the
    /// pieces on the way.
    pub async fn answer(&self, ask: &Ask<'_>, telling: &mut Telling<'_>) -> CallOutcome {
        let plan = self.plan(ask);
        let started = Instant::now();
        let until = |after: Duration| sleep(after.saturating_sub(started.elapsed()));
        for (after, so_far) in plan.tellings() {
            if after >= ask.timeout {
                break;
            }
            until(after).await;
            telling.so_far(so_far);
        }
        let latency = Duration::from_millis(plan.latency_ms);
        match plan.end {
            PlannedEnd::Outcome(outcome) if latency < ask.timeout => {
                until(latency).await;
                outcome
            }
            _ => {
                until(ask.timeout).await;
                Err(late(ask))
            }
        }
    }

    /// What `answer` will do. Pure.
    pub fn plan(&self, ask: &Ask<'_>) -> Plan {
        let op = ask.stage.op_name();
        let Some((entry, attempt)) = self.script.entry(op, ask.prompt.expose(), ask.attempt) else {
            return Plan {
                latency_ms: 0,
                comes: String::new(),
                pieces: 0,
                end: PlannedEnd::Outcome(self.made_up(ask)),
            };
        };
        let (end, comes, pieces) = match entry.fault {
            Some(fault) if entry.times.is_none_or(|times| attempt <= times) => {
                let (end, came) = self.fault(ask, entry, fault);
                (end, came, entry.chunks / 2)
            }
            _ => {
                let attempt = attempt.saturating_sub(entry.times.unwrap_or(0));
                let outcome = match entry.answer(attempt) {
                    Some(text) => Ok(done(ask, entry, text)),
                    None => self.made_up(ask),
                };
                let comes = outcome.as_ref().map(|done| done.text.clone());
                let comes = comes.unwrap_or_default();
                (PlannedEnd::Outcome(outcome), comes, entry.chunks)
            }
        };
        Plan {
            latency_ms: entry.latency_ms,
            comes,
            pieces,
            end,
        }
    }

    fn made_up(&self, ask: &Ask<'_>) -> CallOutcome {
        let seed = self.seed_of(ask);
        let text = match &ask.request.output_schema {
            None => made_up_text(seed, ask.prompt.expose()),
            Some(schema) => match sample(schema, seed) {
                Some(value) => value.to_string(),
                None => {
                    let message = format!(
                        "the mock provider cannot make up a value for the output schema of `{}`; \
                         give it an answer in a script",
                        ask.stage
                    );
                    return Err((
                        Failure::new(FailureKind::Configuration, message),
                        Usage::default(),
                    ));
                }
            },
        };
        Ok(done(ask, &Entry::default(), text))
    }

    /// The run is left out, so that two runs with the same input go the same way; and so is the
    /// attempt, so that a repeated call gives what the lost one gave.
    fn seed_of(&self, ask: &Ask<'_>) -> u64 {
        let hash = Hash::of_parts(&[
            &self.seed.to_be_bytes(),
            ask.stage.as_str().as_bytes(),
            ask.system
                .as_ref()
                .map_or("", |system| system.expose())
                .as_bytes(),
            ask.prompt.expose().as_bytes(),
        ]);
        let digits: String = hash.to_hex().chars().take(16).collect();
        u64::from_str_radix(&digits, 16).unwrap_or_default()
    }

    /// How it fails, and what had come before.
    fn fault(&self, ask: &Ask<'_>, entry: &Entry, fault: Fault) -> (PlannedEnd, String) {
        let message = |what: &str| {
            format!(
                "the mock provider {what}, as its script says for `{}`",
                ask.stage
            )
        };
        let came = match fault {
            Fault::Stall => return (PlannedEnd::Stall, String::new()),
            Fault::Cut => {
                let text = match entry.answer(1) {
                    Some(text) => text,
                    None => made_up_text(self.seed_of(ask), ask.prompt.expose()),
                };
                first_half(&text, entry.chunks)
            }
            _ => String::new(),
        };
        let usage = entry.usage.unwrap_or_else(|| usage_of(ask, &came));
        let failure = Failure::new(fault.kind(), message(fault.what()));
        let outcome = Err((failure.after(entry.retry_after_ms), usage));
        (PlannedEnd::Outcome(outcome), came)
    }
}

fn late(ask: &Ask<'_>) -> (Failure, Usage) {
    let message = format!(
        "the mock provider gave no answer within {} ms; its script says so for `{}`",
        ask.timeout.as_millis(),
        ask.stage
    );
    let failure = Failure::new(FailureKind::Timeout, message);
    (failure, usage_of(ask, ""))
}

fn done(ask: &Ask<'_>, entry: &Entry, text: String) -> CallDone {
    CallDone {
        usage: entry.usage.unwrap_or_else(|| usage_of(ask, &text)),
        text,
        model: ask.model.clone(),
        finish: "stop".to_owned(),
        latency_ms: entry.latency_ms,
    }
}

fn usage_of(ask: &Ask<'_>, text: &str) -> Usage {
    Usage {
        input_tokens: estimate_input(ask),
        output_tokens: estimate_tokens(text),
    }
}

/// What had come when half of the answer's pieces had.
fn first_half(text: &str, chunks: u32) -> String {
    let letters = text.chars().count();
    let chunks = usize::try_from(chunks).unwrap_or(usize::MAX).max(1);
    text.chars().take(letters / chunks * (chunks / 2)).collect()
}

const WORDS_NAMED: usize = 8;
const REMARKS: &[&str] = &[
    "nothing stands against it",
    "two points deserve a second look",
    "the short answer is yes",
    "it depends on the details given",
    "the next step is clear",
];

fn made_up_text(seed: u64, prompt: &str) -> String {
    let words: Vec<&str> = prompt.split_whitespace().take(WORDS_NAMED).collect();
    let index = usize::try_from(seed % REMARKS.len() as u64).unwrap_or_default();
    let remark = REMARKS.get(index).copied().unwrap_or_default();
    format!(
        "Mock answer {:04x} to \"{}\": {remark}.",
        seed & 0xffff,
        words.join(" ")
    )
}

#[cfg(test)]
#[path = "mock/tests.rs"]
mod tests;
