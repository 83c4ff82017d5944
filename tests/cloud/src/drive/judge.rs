//! Reads the logs of all runs when everything is over, and says what is wrong with them.

use lattice_journal::Event;
use std::collections::BTreeMap;

/// What must be zero, and how much was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Runs that were acknowledged.
    pub runs: usize,
    /// Their events.
    pub events: usize,
    /// Effects that reached the model server, by their keys.
    pub effects: usize,
    /// Acknowledged runs that are not there.
    pub lost: Vec<String>,
    /// Runs whose seq is not dense from 1.
    pub gaps: Vec<String>,
    /// Runs without exactly one terminal event, at their end.
    pub wrong_ends: Vec<String>,
    /// Effects that were applied more than once.
    pub applied_twice: u64,
}

impl Verdict {
    /// Judges the effects: how often each key's was applied.
    pub fn new(effects: &BTreeMap<String, u64>) -> Self {
        Self {
            effects: effects.len(),
            applied_twice: effects.values().map(|count| count.saturating_sub(1)).sum(),
            ..Self::default()
        }
    }

    /// Judges one run; `None` if it is not there.
    pub fn run(&mut self, run: &str, events: Option<&[Event]>) {
        self.runs += 1;
        let Some(events) = events else {
            return self.lost.push(run.to_owned());
        };
        self.events += events.len();
        let dense = (1..).zip(events).all(|(seq, event)| event.seq.get() == seq);
        if !dense {
            self.gaps.push(run.to_owned());
        }
        let ends = events
            .iter()
            .filter(|event| event.body.is_terminal())
            .count();
        let last = events.last().is_some_and(|event| event.body.is_terminal());
        if ends != 1 || !last {
            self.wrong_ends.push(run.to_owned());
        }
    }

    /// What is wrong, in words; empty if nothing is.
    pub fn faults(&self) -> Vec<String> {
        let runs = |runs: &[String], what: &str| {
            (!runs.is_empty()).then(|| format!("{what}: {}", runs.join(", ")))
        };
        let twice = self.applied_twice;
        let mut faults = vec![
            runs(&self.lost, "runs that were acknowledged are not there"),
            runs(&self.gaps, "runs whose seq is not dense"),
            runs(
                &self.wrong_ends,
                "runs without exactly one terminal event, at the end",
            ),
            (twice > 0).then(|| format!("{twice} effects were applied more than once")),
        ];
        if self.runs == 0 || self.effects == 0 {
            faults.push(Some("there was nothing to judge".to_owned()));
        }
        faults.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use lattice_journal::payload::{RunCancelled, RunStarted};
    use lattice_model::{Millis, RunId, Seq};

    fn log(seqs: &[u64], ends: &[u64]) -> Vec<Event> {
        let event = |seq: &u64| Event {
            run: RunId::from_parts(Millis::new(1), [0; 10]),
            seq: Seq::from_stored(*seq),
            timestamp: Millis::new(0),
            body: match ends.contains(seq) {
                false => RunStarted {}.into(),
                true => RunCancelled {
                    totals: Default::default(),
                }
                .into(),
            },
        };
        seqs.iter().map(event).collect()
    }

    #[test]
    fn a_good_run_is_no_fault_and_each_bad_one_is() {
        let good = BTreeMap::from([("a".to_owned(), 1), ("b".to_owned(), 1)]);
        let judge = |events: Option<Vec<Event>>, effects: &BTreeMap<String, u64>| {
            let mut verdict = Verdict::new(effects);
            verdict.run("run_x", events.as_deref());
            verdict.faults().len()
        };
        assert_eq!(judge(Some(log(&[1, 2, 3], &[3])), &good), 0);
        assert_eq!(judge(None, &good), 1);
        assert_eq!(judge(Some(log(&[1, 3], &[3])), &good), 1);
        assert_eq!(judge(Some(log(&[1, 2, 3], &[])), &good), 1);
        assert_eq!(judge(Some(log(&[1, 2, 3], &[2, 3])), &good), 1);
        assert_eq!(judge(Some(log(&[1, 2, 3], &[2])), &good), 1);
        let twice = BTreeMap::from([("a".to_owned(), 2)]);
        assert_eq!(judge(Some(log(&[1], &[1])), &twice), 1);
        assert_eq!(judge(Some(log(&[1], &[1])), &BTreeMap::new()), 1);
    }
}
