//! Reads a run: its checkpoint, if it can be believed, and the commits behind it.

use crate::error::DriverError;
use lattice_engine::{RunState, STATE_VERSION, fold};
use lattice_journal::{ChainError, Commit, Tail};
use lattice_model::{Guard, Guards, Hash, RunId, Seq};
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

/// The fold of a run's log at a seq: `Seq::ZERO` = before the first event.
pub async fn state_at<L: RunLog>(log: &L, run: &RunId, at: Seq) -> Result<RunState, DriverError> {
    let commits = log.load(run, Seq::FIRST).await?;
    walk(Tail::empty(run.clone()), &commits, Guards::ALL)?;
    let events = commits.iter().flat_map(|commit| &commit.events);
    Ok(fold(
        RunState::empty(),
        events.take_while(|event| event.seq <= at),
    ))
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
    let mut commits = log.load(run, from).await?;
    let mut end = walk(tail.clone(), &commits, guards);
    if let Err(ChainError::Gap { .. }) = end {
        // A hole may be a read that was overtaken: read once more before it is called a gap.
        commits = log.load(run, from).await?;
        end = walk(tail.clone(), &commits, guards);
    }
    let end = end?;
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

fn walk(tail: Tail, commits: &[Commit], guards: Guards) -> Result<Tail, ChainError> {
    commits.iter().try_fold(tail, |tail, commit| {
        if guards.on(Guard::DenseLoad) {
            tail.follow(commit)
        } else {
            Ok(tail.follow_unchecked(commit))
        }
    })
}
