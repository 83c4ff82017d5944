//! Reads a run: its checkpoint, if it can be believed, and the commits behind it.

use crate::error::DriverError;
use lattice_engine::{RunState, STATE_VERSION, fold};
use lattice_journal::{ChainError, Commit, Event, Tail};
use lattice_model::{Guard, Guards, Hash, RunId, Seq, limits};
use lattice_ports::{Checkpoint, RunLog};
use serde::{Deserialize, Serialize};

/// A run as its log has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The end of the log.
    pub tail: Tail,
    /// The fold up to there.
    pub state: RunState,
    /// Commits behind the checkpoint.
    pub commits_since: u64,
    /// Bytes behind the checkpoint.
    pub bytes_since: u64,
    /// Bytes of the checkpoint; 0 if there is none.
    pub checkpoint_bytes: u64,
}

/// The body of a checkpoint.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    version: u32,
    tail: Tail,
    state: RunState,
}

/// Reads the run. `None` if it has no commit.
pub async fn load_run<L: RunLog>(
    log: &L,
    run: &RunId,
    guards: Guards,
) -> Result<Option<Loaded>, DriverError> {
    let checkpoint = log.checkpoint(run).await?;
    let bytes = checkpoint.as_ref().map_or(0, |stored| stored.body.len());
    if let Some(body) = checkpoint.and_then(|checkpoint| believe(&checkpoint, run, guards)) {
        let from = body.tail.last().next();
        match follow(log, run, from, body.tail, body.state, guards).await {
            // A checkpoint that the log does not continue is not believed after all.
            Err(DriverError::Chain(ChainError::Hash { .. })) => {}
            followed => {
                let checkpoint_bytes = bytes as u64;
                return followed.map(|loaded| {
                    loaded.map(|loaded| Loaded {
                        checkpoint_bytes,
                        ..loaded
                    })
                });
            }
        }
    }
    let (tail, state) = (Tail::empty(run.clone()), RunState::empty());
    follow(log, run, Seq::FIRST, tail, state, guards).await
}

/// The fold of a run's log at a seq: `Seq::ZERO` = before the first event. Reads what it needs of
/// the log, a page at a time, and no checkpoint: it is what a checkpoint is held against.
pub async fn state_at<L: RunLog>(log: &L, run: &RunId, at: Seq) -> Result<RunState, DriverError> {
    let (mut tail, mut state) = (Tail::empty(run.clone()), RunState::empty());
    while tail.last() < at {
        let wanted = at.get() - tail.last().get();
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let events_max = wanted.min(limits::PAGE_EVENTS_MAX);
        let page = log.page(run, tail.last(), events_max).await?;
        if page.is_empty() {
            break;
        }
        tail = walk(tail, &page, Guards::ALL)?;
        let events = page.iter().flat_map(|commit| &commit.events);
        state = fold(state, events.take_while(|event| event.seq <= at));
    }
    Ok(state)
}

/// The whole log of a run, which is held to be a chain. Empty if there is none.
pub(crate) async fn load_events<L: RunLog>(
    log: &L,
    run: &RunId,
) -> Result<Vec<Event>, DriverError> {
    let (commits, _) = dense(log, run, Seq::FIRST, Tail::empty(run.clone()), Guards::ALL).await?;
    Ok(commits
        .into_iter()
        .flat_map(|commit| commit.events)
        .collect())
}

/// The checkpoint of a run as it was loaded or appended.
pub(crate) fn checkpoint(tail: &Tail, state: &RunState) -> Option<Checkpoint> {
    let body = Body {
        version: STATE_VERSION,
        tail: tail.clone(),
        state: state.clone(),
    };
    let body = serde_json::to_vec(&body).ok()?;
    Some(Checkpoint {
        run: tail.run().clone(),
        seq: tail.last(),
        hash: Hash::of(&body),
        body: body.into(),
    })
}

/// The body, if it is whole, of this version and of this run.
// INVARIANT: a checkpoint is a cache: one whose hash is wrong is not believed
// (Guard::CheckpointHash).
fn believe(checkpoint: &Checkpoint, run: &RunId, guards: Guards) -> Option<Body> {
    if Hash::of(&checkpoint.body) != checkpoint.hash && guards.on(Guard::CheckpointHash) {
        tracing::warn!(%run, seq = %checkpoint.seq, "checkpoint has a wrong hash, reading the log");
        return None;
    }
    let body: Body = serde_json::from_slice(&checkpoint.body).ok()?;
    (body.version == STATE_VERSION && body.tail.run() == run).then_some(body)
}

async fn follow<L: RunLog>(
    log: &L,
    run: &RunId,
    from: Seq,
    tail: Tail,
    state: RunState,
    guards: Guards,
) -> Result<Option<Loaded>, DriverError> {
    let (commits, end) = dense(log, run, from, tail.clone(), guards).await?;
    if end.last() == Seq::ZERO {
        return Ok(None);
    }
    Ok(Some(Loaded {
        state: fold(state, commits.iter().flat_map(|commit| &commit.events)),
        commits_since: end.commits() - tail.commits(),
        bytes_since: end.bytes() - tail.bytes(),
        checkpoint_bytes: 0,
        tail: end,
    }))
}

/// The commits behind a tail, and the tail behind them.
async fn dense<L: RunLog>(
    log: &L,
    run: &RunId,
    from: Seq,
    tail: Tail,
    guards: Guards,
) -> Result<(Vec<Commit>, Tail), DriverError> {
    let mut commits = log.load(run, from).await?;
    let mut end = walk(tail.clone(), &commits, guards);
    if let Err(ChainError::Gap { .. }) = end {
        // A hole may be a read that was overtaken: read once more before it is called a gap.
        commits = log.load(run, from).await?;
        end = walk(tail, &commits, guards);
    }
    Ok((commits, end?))
}

fn walk(tail: Tail, commits: &[Commit], guards: Guards) -> Result<Tail, ChainError> {
    commits.iter().try_fold(tail, |tail, commit| {
        if guards.on(Guard::DenseLoad) {
            tail.follow(commit)
        } else {
            Ok(tail.follow_unchecked(commit))
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::state_at;
    use crate::error::DriverError;
    use futures::FutureExt;
    use lattice_engine::{RunState, fold};
    use lattice_journal::payload::{RunResumed, RunWaiting};
    use lattice_journal::{ChainError, Commit, Event, EventBody, Tail};
    use lattice_model::limits::{COMMIT_EVENTS_MAX, PAGE_EVENTS_MAX};
    use lattice_model::{CommitId, Millis, RunId, Seq};
    use lattice_ports::memory::MemoryStore;
    use lattice_ports::{Put, RunLog};

    /// Commits of this many pages and a part of one.
    fn chain(run: &RunId) -> Vec<Commit> {
        let mut tail = Tail::empty(run.clone());
        let mut commits = Vec::new();
        while tail.last().get() < 2 * PAGE_EVENTS_MAX as u64 + 9 {
            let body = |nth: usize| -> EventBody {
                match nth.is_multiple_of(2) {
                    true => RunWaiting {}.into(),
                    false => RunResumed {}.into(),
                }
            };
            let at = Millis::new(tail.last().get());
            let events = (0..COMMIT_EVENTS_MAX).map(body).collect();
            let commit = Commit::seal(&tail, CommitId::new("c"), at, events).unwrap();
            tail = tail.follow(&commit).unwrap();
            commits.push(commit);
        }
        commits
    }

    fn stored(commits: &[Commit]) -> MemoryStore {
        let store = MemoryStore::new();
        for commit in commits {
            let put = store.append(Put::of(commit.clone()));
            put.now_or_never().unwrap().unwrap();
        }
        store
    }

    fn state(store: &MemoryStore, run: &RunId, at: u64) -> Result<RunState, DriverError> {
        let state = state_at(store, run, Seq::from_stored(at));
        state.now_or_never().unwrap()
    }

    #[test]
    fn the_state_at_a_seq_is_the_fold_up_to_there_whatever_pages_it_is_read_in() {
        let run = RunId::from_parts(Millis::new(1), [7; 10]);
        let commits = chain(&run);
        let store = stored(&commits);
        let events: Vec<&Event> = commits.iter().flat_map(|commit| &commit.events).collect();
        let (page, last) = (PAGE_EVENTS_MAX as u64, events.len() as u64);
        for at in [
            0,
            1,
            2,
            33,
            page - 1,
            page,
            page + 1,
            2 * page + 30,
            last,
            last + 1,
            u64::MAX,
        ] {
            let until = events
                .iter()
                .copied()
                .take_while(|event| event.seq.get() <= at);
            let found = state(&store, &run, at).unwrap();
            assert_eq!(found, fold(RunState::empty(), until), "{at}");
            assert_eq!(found.seq.get(), at.min(last), "{at}");
        }
        let other = RunId::from_parts(Millis::new(2), [7; 10]);
        assert_eq!(state(&store, &other, 5).unwrap(), RunState::empty());
    }

    #[test]
    fn a_hole_between_pages_is_found_by_whoever_reads_so_far_and_nobody_else() {
        let run = RunId::from_parts(Millis::new(1), [7; 10]);
        let mut commits = chain(&run);
        let hole = commits
            .iter()
            .position(|commit| commit.last().get() >= PAGE_EVENTS_MAX as u64);
        let lost = commits.remove(hole.unwrap() + 1);
        let store = stored(&commits);
        for before in [1, lost.first.get() - 1] {
            assert_eq!(state(&store, &run, before).unwrap().seq.get(), before);
        }
        for behind in [lost.first.get(), u64::MAX] {
            let found = state(&store, &run, behind);
            let gap = matches!(found, Err(DriverError::Chain(ChainError::Gap { .. })));
            assert!(gap, "{behind}: {found:?}");
        }
    }
}
