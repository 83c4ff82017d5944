//! What the logs and the receiver say about all those kills.

use crate::KillError;
use crate::workflows::CALLS;
use lattice_journal::{Commit, Event, EventBody, Tail};
use lattice_local::LocalStore;
use lattice_model::{Hash, RunId};
use lattice_ports::{RunFilter, RunIndex, RunLog};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// What the processes told while they lived.
#[derive(Debug, Default)]
pub struct Told {
    /// Kills that found a living process.
    pub kills: u32,
    /// Event lines: each was acknowledged before it was printed.
    pub events: BTreeSet<String>,
    /// From the start of each `resume` to its first event.
    pub resumed: Vec<Duration>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    honour_keys: bool,
    kills: u32,
    runs: usize,
    completed: usize,
    exhausted: usize,
    forks: usize,
    events: usize,
    /// Unset where no process told anything.
    lost_runs: Option<usize>,
    lost_events: Option<usize>,
    broken_logs: Vec<String>,
    wrong_ends: usize,
    wrong_forks: usize,
    stuck: usize,
    stages: usize,
    keys: usize,
    lost_attempts: usize,
    applied_twice: u64,
    resumed: Vec<Duration>,
}

/// The most that a p95 of resuming may take.
const RESUME_MAX: Duration = Duration::from_secs(1);

/// The time that this many of 100 do not exceed; the times are in order.
pub fn percentile(times: &[Duration], percent: usize) -> Duration {
    let index = times.len().saturating_sub(1) * percent / 100;
    times.get(index).copied().unwrap_or_default()
}

impl Verdict {
    /// Reads the data directory and what the receiver counted.
    pub async fn read(
        data: &Path,
        told: Told,
        honour_keys: bool,
        counts: BTreeMap<String, u64>,
    ) -> Result<Self, KillError> {
        let store = LocalStore::open_guest(data)?;
        let filter = RunFilter {
            limit: 100_000,
            ..RunFilter::default()
        };
        let heads = store.heads(filter).await?;
        let mut verdict = Self {
            honour_keys,
            kills: told.kills,
            runs: heads.len(),
            keys: counts.len(),
            applied_twice: counts.values().map(|count| count.saturating_sub(1)).sum(),
            resumed: told.resumed,
            ..Self::default()
        };
        verdict.resumed.sort_unstable();
        let mut stored = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for head in &heads {
            let commits = store.load(&head.run, lattice_model::Seq::FIRST).await?;
            verdict.read_run(&head.run, &commits, &mut keys);
            let lines = commits.iter().flat_map(|commit| &commit.events);
            stored.extend(
                lines
                    .filter_map(|event| serde_json::to_value(event).ok())
                    .map(|v| v.to_string()),
            );
            verdict.stuck += usize::from(!head.status.is_terminal());
        }
        verdict.stages = keys.len();
        verdict.events = stored.len();
        if !told.events.is_empty() {
            verdict.lost_events = Some(told.events.difference(&stored).count());
            let runs: BTreeSet<&str> = heads.iter().map(|head| head.run.as_str()).collect();
            let is_lost = |line: &&String| {
                line.contains("\"run.queued\"") && !runs.iter().any(|run| line.contains(run))
            };
            verdict.lost_runs = Some(told.events.iter().filter(is_lost).count());
        }
        Ok(verdict)
    }

    fn read_run(&mut self, run: &RunId, commits: &[Commit], keys: &mut BTreeSet<Hash>) {
        let chain = commits
            .iter()
            .try_fold(Tail::empty(run.clone()), |tail, commit| tail.follow(commit));
        if let Err(error) = chain {
            self.broken_logs.push(error.to_string());
        }
        let events: Vec<&Event> = commits.iter().flat_map(|commit| &commit.events).collect();
        let dense = (1..)
            .zip(&events)
            .all(|(seq, event)| event.seq.get() == seq);
        if !dense {
            self.broken_logs
                .push(format!("{run} has a gap or a repeat"));
        }
        let ends = events
            .iter()
            .filter(|event| event.body.is_terminal())
            .count();
        let ends_last = events.last().is_some_and(|event| event.body.is_terminal());
        self.wrong_ends += usize::from(ends != 1 || !ends_last);
        let forked = |event: &&&Event| matches!(event.body, EventBody::RunForked(_));
        if let Some(place) = events.iter().find(forked).map(|event| event.seq.get()) {
            self.forks += 1;
            let first = commits.first().map_or(0, |commit| commit.last().get());
            // What a fork begins with is one commit: there is no half of one.
            self.wrong_forks += usize::from((place, first) != (2, 2));
        }
        for event in &events {
            match &event.body {
                EventBody::StageStarted(claim) => {
                    keys.insert(claim.key);
                    self.lost_attempts += usize::from(claim.attempt > 1);
                }
                EventBody::RunCompleted(_) => self.completed += 1,
                EventBody::RunFailed(_) => self.exhausted += 1,
                _ => {}
            }
        }
    }

    /// Runs that are stored.
    pub fn runs(&self) -> usize {
        self.runs
    }

    fn percentile(&self, percent: usize) -> Duration {
        percentile(&self.resumed, percent)
    }

    /// What must not be.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let lost_runs = self.lost_runs.unwrap_or_default();
        let lost_events = self.lost_events.unwrap_or_default();
        let mut must = |holds: bool, text: String| {
            if !holds {
                faults.push(text);
            }
        };
        must(
            lost_runs == 0,
            format!("{lost_runs} runs were told and are not stored"),
        );
        must(
            lost_events == 0,
            format!("{lost_events} events were told and are not stored"),
        );
        must(
            self.broken_logs.is_empty(),
            format!("broken logs: {}", self.broken_logs.join("; ")),
        );
        must(
            self.wrong_ends == 0,
            format!(
                "{} runs do not end with one terminal event",
                self.wrong_ends
            ),
        );
        must(
            self.wrong_forks == 0,
            format!("{} forks are begun by halves", self.wrong_forks),
        );
        must(self.stuck == 0, format!("{} runs never ended", self.stuck));
        // The last claim of a run that was killed may never have reached the receiver.
        must(
            self.keys <= self.stages,
            format!("{} keys for {} effects", self.keys, self.stages),
        );
        match self.honour_keys {
            true => must(
                self.applied_twice == 0,
                format!("{} effects applied twice", self.applied_twice),
            ),
            false => must(
                self.applied_twice <= self.lost_attempts as u64,
                format!(
                    "{} applied twice, and only {} attempts lost",
                    self.applied_twice, self.lost_attempts
                ),
            ),
        }
        must(
            self.percentile(50) < RESUME_MAX,
            format!(
                "resuming took {} ms in the median",
                self.percentile(50).as_millis()
            ),
        );
        faults
    }

    /// All of it, side by side.
    pub fn table(verdicts: &[Self]) -> String {
        type Row = (&'static str, fn(&Verdict) -> String);
        let rows: [Row; 19] = [
            ("receiver honours idempotency keys", |v| {
                v.honour_keys.to_string()
            }),
            ("kills (SIGKILL)", |v| v.kills.to_string()),
            ("runs", |v| v.runs.to_string()),
            ("  completed", |v| v.completed.to_string()),
            ("  failed: attempts used up by kills", |v| {
                v.exhausted.to_string()
            }),
            ("  forks of others", |v| v.forks.to_string()),
            ("events stored", |v| v.events.to_string()),
            ("runs lost", |v| shown(v.lost_runs)),
            ("acknowledged events lost", |v| shown(v.lost_events)),
            ("seq gaps or repeats", |v| v.broken_logs.len().to_string()),
            ("runs without exactly one end", |v| v.wrong_ends.to_string()),
            ("forks begun by halves", |v| v.wrong_forks.to_string()),
            ("runs stuck", |v| v.stuck.to_string()),
            ("effects claimed", |v| v.stages.to_string()),
            ("effects that reached the receiver", |v| v.keys.to_string()),
            ("kills between claim and commit, by run", |v| {
                v.lost_attempts.to_string()
            }),
            ("effects applied twice", |v| v.applied_twice.to_string()),
            ("resume to first event, p50 / p95 in ms", |v| {
                format!(
                    "{} / {}",
                    v.percentile(50).as_millis(),
                    v.percentile(95).as_millis()
                )
            }),
            ("resume to first event, longest in ms", |v| {
                v.percentile(100).as_millis().to_string()
            }),
        ];
        let mut table = format!("model calls per run: {}\n", CALLS.join(", "));
        for (name, cell) in rows {
            let cells: Vec<String> = verdicts
                .iter()
                .map(|v| format!("{:>14}", cell(v)))
                .collect();
            // INVARIANT: writing to a String cannot fail.
            let _ = writeln!(table, "{name:<42}{}", cells.concat());
        }
        table
    }
}

fn shown(count: Option<usize>) -> String {
    count.map_or_else(|| "-".to_owned(), |count| count.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict() -> Verdict {
        Verdict {
            honour_keys: true,
            stages: 3,
            keys: 3,
            ..Verdict::default()
        }
    }

    #[test]
    fn every_count_that_must_be_zero_is_a_fault() {
        assert!(verdict().faults().is_empty());
        let broken = [
            Verdict {
                lost_runs: Some(1),
                ..verdict()
            },
            Verdict {
                lost_events: Some(1),
                ..verdict()
            },
            Verdict {
                broken_logs: vec!["x".to_owned()],
                ..verdict()
            },
            Verdict {
                wrong_ends: 1,
                ..verdict()
            },
            Verdict {
                wrong_forks: 1,
                ..verdict()
            },
            Verdict {
                stuck: 1,
                ..verdict()
            },
            Verdict {
                keys: 4,
                ..verdict()
            },
            Verdict {
                applied_twice: 1,
                ..verdict()
            },
            Verdict {
                honour_keys: false,
                applied_twice: 2,
                lost_attempts: 1,
                ..verdict()
            },
            Verdict {
                resumed: vec![RESUME_MAX],
                ..verdict()
            },
        ];
        for one in broken {
            assert_eq!(one.faults().len(), 1, "{one:?}");
        }
    }
}
