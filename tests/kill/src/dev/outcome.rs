//! What came of it, seen from outside: by those who start, answer and watch.

use super::Restarts;
use super::fleet::{Fleet, Lived};
use crate::verdict::{Verdict, percentile};
use lattice_model::Millis;
use lattice_served::{Judged, StoredLog};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    verdict: Verdict,
    restarts: Restarts,
    lost_answers: u64,
    repeated: usize,
    unfinished: usize,
    runs: BTreeSet<String>,
    lives: usize,
    lost_runs: usize,
    answered: usize,
    /// Acknowledged answers that are not in the log, and answers that are there more than once.
    wrong_answers: usize,
    watchers: usize,
    reconnects: u64,
    broken_logs: usize,
    judged: Judged,
    wrong: Vec<String>,
}

const WRONG_SHOWN: usize = 3;

impl Outcome {
    pub(super) fn new(mut restarts: Restarts, fleet: &Fleet, unfinished: usize) -> Self {
        restarts.ready.sort_unstable();
        restarts.watched.sort_unstable();
        restarts.live.sort_unstable();
        Self {
            restarts,
            lost_answers: fleet.lost(),
            repeated: fleet.repeated(),
            unfinished,
            ..Self::default()
        }
    }

    /// Kills so far.
    pub fn kills(&self) -> u32 {
        self.restarts.kills
    }

    /// A run, its log, and how many answers count there.
    pub fn run(&mut self, lived: &Lived, log: &StoredLog, answers: usize) {
        self.note(lived);
        self.broken_logs += usize::from(log.is_broken());
        self.wrong_answers += usize::from(answers != usize::from(lived.answered));
        for read in &lived.reads {
            self.judged += log.judge(read);
            self.watchers += 1;
            self.reconnects += read.counts.reconnects;
            self.wrong.extend(read.failed.clone());
        }
    }

    /// A run that was acknowledged and is not there.
    pub fn lost(&mut self, lived: &Lived) {
        self.note(lived);
        self.lost_runs += 1;
    }

    fn note(&mut self, lived: &Lived) {
        self.lives += 1;
        self.runs.insert(lived.run.to_string());
        self.answered += usize::from(lived.answered);
        self.wrong.extend(lived.wrong.iter().cloned());
    }

    /// From each start of a process to the first event that was stored behind it.
    pub fn stored_after_restart(&self, mut moments: Vec<Millis>) -> Vec<Duration> {
        moments.sort_unstable();
        let first = |at: &Millis| {
            let behind = moments.partition_point(|moment| moment < at);
            let moment = moments.get(behind)?;
            Some(Duration::from_millis(moment.since(*at)))
        };
        self.restarts.at.iter().filter_map(first).collect()
    }

    /// What the store says.
    pub fn judge(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// Stored runs that nobody asked for: starts that counted twice.
    fn doubled(&self) -> usize {
        let asked = self.lives + self.unfinished;
        self.verdict.runs().saturating_sub(asked) + (self.lives - self.runs.len())
    }

    /// What must not be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = self.verdict.faults();
        let wrong: Vec<&str> = self.wrong.iter().map(String::as_str).collect();
        let some = wrong.get(..WRONG_SHOWN).unwrap_or(&wrong).join("; ");
        let Judged {
            gaps,
            repeats,
            different,
            incomplete,
        } = self.judged;
        let counts = [
            (self.unfinished, "slots whose last run never ended"),
            (self.lost_runs, "acknowledged runs are not there"),
            (self.doubled(), "starts counted twice"),
            (
                self.wrong_answers,
                "runs with an answer lost or counted twice",
            ),
            (self.broken_logs, "logs are not whole"),
            (self.wrong.len(), "times the server said what it should not"),
        ];
        let seen = [
            (gaps, "gaps for watchers"),
            (repeats, "repeats for watchers"),
            (different, "events that watchers saw otherwise"),
            (incomplete, "watchers did not get it all"),
        ];
        let counts = counts.map(|(count, what)| (count as u64, what));
        for (count, what) in counts.into_iter().chain(seen) {
            if count > 0 {
                let some = match self.wrong.is_empty() {
                    true => String::new(),
                    false => format!(" ({some})"),
                };
                faults.push(format!("{count} {what}{some}"));
            }
        }
        faults
    }

    /// All of it.
    pub fn table(&self) -> String {
        let times = |times: &[Duration]| {
            let [p50, p95, most] = [50, 95, 100].map(|part| percentile(times, part).as_millis());
            format!("{p50} / {p95} / {most}")
        };
        let live = &self.restarts.live;
        let median = live.get(live.len() / 2).copied().unwrap_or_default();
        let least = live.first().copied().unwrap_or_default();
        let rows = [
            (
                "live runs at a kill, least / median",
                format!("{least} / {median}"),
            ),
            ("runs acknowledged", self.lives.to_string()),
            ("  of them not there", self.lost_runs.to_string()),
            ("starts counted twice", self.doubled().to_string()),
            ("answers acknowledged", self.answered.to_string()),
            ("  lost, or counted twice", self.wrong_answers.to_string()),
            (
                "requests whose answer a kill swallowed",
                self.lost_answers.to_string(),
            ),
            (
                "requests repeated although acknowledged",
                self.repeated.to_string(),
            ),
            ("watchers", self.watchers.to_string()),
            ("  streams they opened again", self.reconnects.to_string()),
            ("  gaps", self.judged.gaps.to_string()),
            ("  repeats", self.judged.repeats.to_string()),
            (
                "  events unlike the stored ones",
                self.judged.different.to_string(),
            ),
            ("  incomplete", self.judged.incomplete.to_string()),
            (
                "start to address, p50 / p95 / longest ms",
                times(&self.restarts.ready),
            ),
            (
                "  to a watcher's first event",
                times(&self.restarts.watched),
            ),
        ];
        let mut table = Verdict::table(std::slice::from_ref(&self.verdict));
        for (name, cell) in rows {
            // INVARIANT: writing to a String cannot fail.
            let _ = writeln!(table, "{name:<42}{cell:>14}");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use lattice_model::RunId;
    use lattice_served::Read;

    fn lived(answered: bool, wrong: &[&str]) -> Lived {
        Lived {
            run: RunId::from_parts(Millis::new(1), [0; 10]),
            reads: Vec::new(),
            answered,
            wrong: wrong.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn faults(change: impl FnOnce(&mut Outcome)) -> usize {
        let mut outcome = Outcome::default();
        change(&mut outcome);
        outcome.faults().len()
    }

    #[test]
    fn whatever_must_not_be_is_a_fault() {
        assert_eq!(faults(|_| ()), 0);
        assert_eq!(faults(|o| o.unfinished = 1), 1);
        assert_eq!(faults(|o| o.lost(&lived(false, &[]))), 1);
        let broken = StoredLog::new(&[]);
        assert_eq!(faults(|o| o.run(&lived(false, &[]), &broken, 0)), 1);
        assert_eq!(faults(|o| o.run(&lived(true, &[]), &broken, 1)), 1);
        assert_eq!(faults(|o| o.run(&lived(true, &[]), &broken, 2)), 2);
        assert_eq!(faults(|o| o.run(&lived(true, &[]), &broken, 0)), 2);
        assert_eq!(faults(|o| o.run(&lived(false, &["x"]), &broken, 0)), 2);
        let two = |o: &mut Outcome| (0..2).for_each(|_| o.run(&lived(false, &[]), &broken, 0));
        assert_eq!(faults(two), 2, "the same run under two keys");
        for judged in [
            Judged {
                gaps: 1,
                ..Judged::default()
            },
            Judged {
                repeats: 1,
                ..Judged::default()
            },
            Judged {
                different: 1,
                ..Judged::default()
            },
            Judged {
                incomplete: 1,
                ..Judged::default()
            },
        ] {
            assert_eq!(faults(|o| o.judged = judged), 1);
        }
    }

    #[test]
    fn a_watcher_that_saw_something_else_is_a_fault() {
        let mut one = lived(false, &[]);
        let mut read = Read::default();
        read.event(1, "{}");
        one.reads.push(read);
        let mut outcome = Outcome::default();
        outcome.run(&one, &StoredLog::new(&[]), 0);
        assert_eq!((outcome.watchers, outcome.judged.different), (1, 1));
    }

    #[test]
    fn the_first_event_behind_each_start_is_found() {
        let mut outcome = Outcome::default();
        outcome.restarts.at = [10, 20, 90].map(Millis::new).to_vec();
        let moments = [35, 5, 12].map(Millis::new).to_vec();
        let found = outcome.stored_after_restart(moments);
        assert_eq!(found, [2, 15].map(Duration::from_millis));
    }
}
