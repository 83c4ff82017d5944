//! Reads pages of a log: dense, or an error, never half of one.

use lattice_driver::DriverError;
use lattice_journal::{ChainError, Commit, Event};
use lattice_model::{RunId, Seq};
use lattice_ports::RunLog;

/// A stretch of a log.
#[derive(Debug)]
pub struct Page {
    /// The events behind the seq that was asked for, in order.
    pub events: Vec<Event>,
}

impl Page {
    /// The last event, if there is one.
    pub fn last(&self) -> Option<&Event> {
        self.events.last()
    }
}

/// Reads up to `limit` events behind `after`, or fewer if they are large; none only at the end.
// INVARIANT: a hole is read once more, strongly, then it is an error; it is never skipped.
pub async fn page<L: RunLog>(
    log: &L,
    run: &RunId,
    after: Seq,
    limit: usize,
) -> Result<Page, DriverError> {
    let commits = log.page(run, after, limit).await?;
    let checked = match check(run, after, &commits) {
        Err(ChainError::Gap { .. }) => {
            let commits = log.page(run, after, limit).await?;
            check(run, after, &commits)?;
            commits
        }
        checked => {
            checked?;
            commits
        }
    };
    let events = checked.into_iter().flat_map(|commit| commit.events);
    Ok(Page {
        events: events
            .filter(|event| event.seq > after)
            .take(limit)
            .collect(),
    })
}

fn check(run: &RunId, after: Seq, commits: &[Commit]) -> Result<(), ChainError> {
    let mut before: Option<&Commit> = None;
    for commit in commits {
        let (dense, chained) = match before {
            // The first may begin before what was asked for.
            None => (commit.first <= after.next() && commit.last() > after, true),
            Some(before) => (
                commit.first == before.last().next(),
                commit.prev == before.hash,
            ),
        };
        if !dense {
            let expected = before.map_or(after, Commit::last).next();
            return Err(ChainError::Gap {
                run: run.clone(),
                expected,
                found: commit.first,
            });
        }
        if !chained {
            let (run, seq) = (run.clone(), commit.first);
            return Err(ChainError::Hash { run, seq });
        }
        before = Some(commit);
    }
    Ok(())
}
