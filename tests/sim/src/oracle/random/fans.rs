//! Makes the splits and joins of random Programs, and what their branches end with.

use super::layout::Role;
use super::{HOUR_MS, Maker};
use crate::oracle::shapes::build::{eval, join, split};
use lattice_ir::{Join, JoinPolicy, Merge, OpKind};
use serde_json::json;

/// Times that a branch may have: about as long as a call, as a few of them, as a question.
const TIMEOUTS_MS: [u64; 4] = [8_000, 60_000, HOUR_MS, 50 * HOUR_MS];

impl Maker {
    /// The op at a place at which not anything may stand.
    pub(super) fn of_role(&mut self, place: usize) -> Option<(String, OpKind)> {
        let role = self.places.get(place)?.role.clone();
        let name = format!("n{place}");
        match role {
            Role::Free => None,
            Role::Settling => {
                let input = match self.chance.percent(60) {
                    true => json!({ "same": self.chance.below(2), place.to_string(): 1 }),
                    false => self.words.value(&mut self.chance),
                };
                let input = match self.chance.percent(50) {
                    true => json!({ "same": true }),
                    false => input,
                };
                self.words.give(&name, place, false);
                let to = self.ahead(place);
                Some((name, OpKind::Eval(eval(input, to))))
            }
            Role::Split { entries, join } => {
                let mut split = split(&entries, join);
                for branch in &mut split.branches {
                    let timeout_ms = self.chance.pick(2_000, &TIMEOUTS_MS);
                    branch.timeout_ms = self.chance.percent(25).then_some(timeout_ms);
                }
                Some((name, OpKind::Split(split)))
            }
            Role::Join { split, settles } => {
                let joined = self.join(place, split, settles);
                let node = format!("n{split}");
                let caught = joined.on_error.is_some() || joined.on_timeout.is_some();
                if caught {
                    self.words.give(&node, place, true);
                }
                Some((format!("{node}.join"), OpKind::Join(joined)))
            }
        }
    }

    fn join(&mut self, place: usize, split: u32, settles: bool) -> Join {
        let branches = match self.ops.get(split as usize) {
            Some((_, OpKind::Split(split))) => split.branches.len(),
            _ => 1,
        };
        let needed = 1 + self.chance.below(branches);
        let quorum = JoinPolicy::Quorum {
            needed: u32::try_from(needed).unwrap_or(1),
        };
        let policies = [JoinPolicy::All, JoinPolicy::FailFast, quorum, quorum];
        let policy = self.chance.pick(JoinPolicy::All, &policies);
        let merges = [Merge::DeepMerge, Merge::First, Merge::Last];
        let merge = self.chance.pick(Merge::Collect, &merges);
        // Two ways of running do not agree on the wording of a failure, nor on a moment, so only
        // what is surely neither is compared.
        let merge = match settles && self.chance.percent(40) {
            true => Merge::Error,
            false => merge,
        };
        let next = self.ahead(place);
        Join {
            on_error: self.maybe_ahead(place, 50),
            on_timeout: self.maybe_ahead(place, 20),
            ..join(split, policy, merge, next)
        }
    }
}
