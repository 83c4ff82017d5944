//! What is done: the workflow, its pace, and where each subscriber begins and is dropped.

use lattice_served::{Random, Reader};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The `lattice` that serves.
    pub binary: PathBuf,
    /// Subscribers.
    pub subscribers: usize,
    /// Events of the run, at least.
    pub events: u64,
    /// How often each subscriber is dropped.
    pub drops: usize,
    /// Readers of a byte a second.
    pub slow: usize,
    /// For the choices.
    pub seed: u64,
    /// Whether the log is in DynamoDB.
    pub aws: bool,
}

/// The workflow's id.
pub const WORKFLOW: &str = "watched";
/// So that the subscribers are there when the log begins to grow.
const FIRST_PAUSE_MS: u64 = 1_000;
/// A model takes this long to say `ANSWER`, in this many pieces.
const ANSWER_MS: u64 = 120;
const ANSWER_PIECES: u32 = 6;
const ANSWER: &str = "Nothing that is said while somebody listens is stored piece by piece.";
/// Events of one variable.
const EVENTS_SET: u64 = 2;
/// Events of one delay.
const EVENTS_DELAY: u64 = 6;
/// Events of one model call.
const EVENTS_PROMPT: u64 = 4;
/// Bytes of an event without the text in it, roughly.
const EVENT_BYTES: u64 = 230;
/// Bytes of the log, at least: a reader that reads nothing has to fall far behind what the system
/// and the server hold back for it.
const LOG_BYTES_MIN: u64 = 2_000_000;

/// When a subscriber comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comes {
    /// At once.
    First,
    /// After this time, perhaps when all is over.
    Late(Duration),
    /// When the run has come to the place behind which it reads.
    Middle,
}

impl Plan {
    /// Pieces of the run that are made at one go, with a pause before each.
    fn pieces(&self) -> u64 {
        (self.events / 100).clamp(4, 40)
    }

    fn pause_ms(&self) -> u64 {
        let work = self.subscribers as u64 * self.events / (self.pieces() * 1_000);
        work.clamp(40, 250)
    }

    /// For how long the run pauses in all.
    pub fn pauses(&self) -> Duration {
        let pieces = self.pieces();
        let calls = pieces.div_ceil(4);
        Duration::from_millis(FIRST_PAUSE_MS + pieces * self.pause_ms() + calls * ANSWER_MS)
    }

    /// A chain of variables, with pauses and model calls between them.
    pub fn workflow(&self) -> Value {
        let mut chain = Chain::default();
        chain.add("start", json!({}));
        chain.add("delay", delay(FIRST_PAUSE_MS));
        let pieces = self.pieces();
        let fixed = pieces * EVENTS_DELAY + pieces.div_ceil(4) * EVENTS_PROMPT;
        let sets = (self.events.saturating_sub(fixed) / EVENTS_SET / pieces).max(1) + 1;
        for piece in 0..pieces {
            chain.add("delay", delay(self.pause_ms()));
            if piece % 4 == 0 {
                chain.add("prompt", json!({ "prompt": "Go on.", "model": "small" }));
            }
            for _ in 0..sets {
                let set =
                    json!({ "operation": "set", "variableName": "mark", "value": "{{in.mark}}" });
                chain.add("variableStore", set);
            }
        }
        chain.add("end", json!({ "output": "done" }));
        json!({
            "format": "agent-lattice/workflow", "formatVersion": 1, "id": WORKFLOW,
            "name": "Watched by many", "nodes": chain.nodes, "edges": chain.edges,
        })
    }

    /// The run's input: the text that makes its log long enough.
    pub fn input(&self) -> Value {
        let per_event = (LOG_BYTES_MIN / self.events)
            .saturating_sub(EVENT_BYTES)
            .max(8);
        json!({ "mark": "x".repeat(usize::try_from(per_event).unwrap_or_default()) })
    }

    /// What the mock model says.
    pub fn script() -> Value {
        let entry = json!({ "text": ANSWER, "latencyMs": ANSWER_MS, "chunks": ANSWER_PIECES });
        json!({ "stages": { "*": [entry] } })
    }

    /// Where the subscriber of this number begins, and where it is dropped.
    pub fn subscriber(&self, number: usize, random: &mut Random) -> (Comes, Reader) {
        let (comes, from) = match number % 8 {
            3 | 6 => {
                let most = u64::try_from(self.pauses().as_millis()).unwrap_or(u64::MAX);
                let wait = Duration::from_millis(random.below(most + most / 2));
                (Comes::Late(wait), 0)
            }
            5 => (Comes::Middle, 1 + random.below(self.events - 1)),
            _ => (Comes::First, 0),
        };
        let mut places = BTreeSet::new();
        let room = self.events - from;
        let wanted = self.drops.min(usize::try_from(room).unwrap_or(usize::MAX));
        // Before the first event, and right before the end.
        places.extend([from, self.events - 1].into_iter().take(wanted));
        while places.len() < wanted {
            places.insert(from + random.below(room));
        }
        let drops = places.into_iter().collect();
        (comes, Reader { from, drops })
    }
}

fn delay(ms: u64) -> Value {
    json!({ "delayType": "duration", "duration": ms, "unit": "milliseconds" })
}

#[derive(Default)]
struct Chain {
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Chain {
    fn add(&mut self, kind: &str, settings: Value) {
        let number = self.nodes.len();
        if let Some(before) = number.checked_sub(1) {
            let (from, to) = (format!("n{before}"), format!("n{number}"));
            self.edges
                .push(json!({ "id": format!("e{number}"), "from": from, "to": to }));
        }
        self.nodes
            .push(json!({ "id": format!("n{number}"), "type": kind, "settings": settings }));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use lattice_model::limits::NODES_MAX;

    fn plan(events: u64, drops: usize) -> Plan {
        Plan {
            binary: PathBuf::new(),
            subscribers: 1_000,
            events,
            drops,
            slow: 0,
            seed: 1,
            aws: false,
        }
    }

    #[test]
    fn the_chain_gives_as_many_events_as_wanted_within_the_limit_of_nodes() {
        for events in [100, 1_500, 10_000, 19_000] {
            let workflow = plan(events, 0).workflow();
            let nodes = workflow["nodes"].as_array().unwrap();
            let made = nodes
                .iter()
                .map(|node| match node["type"].as_str().unwrap() {
                    "variableStore" => EVENTS_SET,
                    "delay" => EVENTS_DELAY,
                    "prompt" => EVENTS_PROMPT,
                    _ => 1,
                });
            assert!(made.sum::<u64>() >= events, "{events}");
            assert!(nodes.len() <= NODES_MAX, "{events}: {}", nodes.len());
        }
    }

    #[test]
    fn every_subscriber_is_dropped_as_often_as_wanted_at_both_ends_too() {
        let plan = plan(1_000, 50);
        let mut random = Random::new(1);
        for number in 0..64 {
            let (comes, reader) = plan.subscriber(number, &mut random);
            assert_eq!(comes == Comes::Middle, reader.from > 0);
            let room = usize::try_from(plan.events - reader.from).unwrap();
            assert_eq!(reader.drops.len(), plan.drops.min(room), "{number}");
            assert_eq!(reader.drops.front(), Some(&reader.from));
            assert_eq!(reader.drops.back(), Some(&(plan.events - 1)));
        }
    }
}
