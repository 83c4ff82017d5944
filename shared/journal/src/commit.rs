//! Commits: the events written at once, and the chain they form.

use crate::event::{Event, EventBody};
use lattice_model::{CommitId, Hash, Millis, RunId, Seq, limits};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The events written by one put, keyed by `(run, first)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The run.
    pub run: RunId,
    /// The seq of the first event.
    pub first: Seq,
    /// Names this attempt to put; reused only for a byte-identical resend.
    pub id: CommitId,
    /// The hash of the commit before.
    pub prev: Hash,
    /// The hash of this one, over `prev`, the run, `first` and the body.
    pub hash: Hash,
    /// The events as stored: a JSON array.
    pub body: Arc<[u8]>,
    /// The events.
    pub events: Vec<Event>,
}

/// Why commits do not form a run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A commit is missing, or stands twice.
    #[error("run `{run}` has a replay gap: expected seq {expected}, found {found}")]
    Gap {
        /// The run.
        run: RunId,
        /// The seq that should come next.
        expected: Seq,
        /// The seq that did.
        found: Seq,
    },
    /// A commit does not follow from the one before it, or its bytes were changed.
    #[error("run `{run}` has a broken hash chain at seq {seq}")]
    Hash {
        /// The run.
        run: RunId,
        /// The first seq of the commit.
        seq: Seq,
    },
    /// The bytes are not a list of events.
    #[error("run `{run}` has an unreadable commit at seq {seq}: {reason}")]
    Unreadable {
        /// The run.
        run: RunId,
        /// The first seq of the commit.
        seq: Seq,
        /// What the reader met.
        reason: String,
    },
    /// More than one commit may hold.
    #[error("a commit of {events} events and {bytes} bytes is over the limit")]
    TooLarge {
        /// How many events.
        events: usize,
        /// How many bytes.
        bytes: usize,
    },
}

impl Commit {
    /// Numbers the bodies from the tail on and seals them.
    pub fn seal(
        tail: &Tail,
        id: CommitId,
        at: Millis,
        bodies: Vec<EventBody>,
    ) -> Result<Self, ChainError> {
        let run = tail.run.clone();
        let first = tail.last.next();
        let events: Vec<Event> = bodies
            .into_iter()
            .enumerate()
            .map(|(place, body)| Event {
                run: run.clone(),
                seq: first.plus(place),
                timestamp: at,
                body,
            })
            .collect();
        let body = serde_json::to_vec(&events).map_err(|error| ChainError::Unreadable {
            run: run.clone(),
            seq: first,
            reason: error.to_string(),
        })?;
        let fits = (1..=limits::COMMIT_EVENTS_MAX).contains(&events.len())
            && body.len() <= limits::COMMIT_BYTES_MAX;
        if !fits {
            return Err(ChainError::TooLarge {
                events: events.len(),
                bytes: body.len(),
            });
        }
        let hash = Self::hash_of(&run, first, &tail.hash, &body);
        Ok(Self {
            run,
            first,
            id,
            prev: tail.hash,
            hash,
            body: body.into(),
            events,
        })
    }

    /// Reads a stored commit back, and checks that its hash is the hash of its bytes.
    pub fn open(
        run: RunId,
        first: Seq,
        id: CommitId,
        prev: Hash,
        hash: Hash,
        body: &[u8],
    ) -> Result<Self, ChainError> {
        if Self::hash_of(&run, first, &prev, body) != hash {
            return Err(ChainError::Hash { run, seq: first });
        }
        let unreadable = |reason: String| ChainError::Unreadable {
            run: run.clone(),
            seq: first,
            reason,
        };
        let events: Vec<Event> =
            serde_json::from_slice(body).map_err(|error| unreadable(error.to_string()))?;
        let numbered = (0..)
            .zip(&events)
            .all(|(place, event)| event.seq == first.plus(place) && event.run == run);
        if events.is_empty() || !numbered {
            return Err(unreadable(
                "the events are not numbered from the key on".to_owned(),
            ));
        }
        Ok(Self {
            run,
            first,
            id,
            prev,
            hash,
            body: body.into(),
            events,
        })
    }

    /// The seq of the last event.
    pub fn last(&self) -> Seq {
        self.first.plus(self.events.len().saturating_sub(1))
    }

    fn hash_of(run: &RunId, first: Seq, prev: &Hash, body: &[u8]) -> Hash {
        Hash::of_parts(&[
            prev.as_bytes(),
            run.as_str().as_bytes(),
            &first.get().to_be_bytes(),
            body,
        ])
    }
}

/// The end of a run's log, as somebody who has seen all of it knows it.
// INVARIANT: a tail comes from `empty`, or by `follow` over commits read strongly, acknowledged
// by a put, or handed back by a conflict (Guard::DenseLoad).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tail {
    run: RunId,
    last: Seq,
    hash: Hash,
    bytes: u64,
    commits: u64,
}

impl Tail {
    /// The end of the log of a run that has no event yet.
    pub fn empty(run: RunId) -> Self {
        Self {
            run,
            last: Seq::ZERO,
            hash: Hash::ZERO,
            bytes: 0,
            commits: 0,
        }
    }

    /// The end after one more commit; refuses one that does not follow.
    pub fn follow(&self, commit: &Commit) -> Result<Self, ChainError> {
        if commit.first != self.last.next() {
            return Err(ChainError::Gap {
                run: self.run.clone(),
                expected: self.last.next(),
                found: commit.first,
            });
        }
        if commit.prev != self.hash || commit.run != self.run {
            return Err(ChainError::Hash {
                run: self.run.clone(),
                seq: commit.first,
            });
        }
        Ok(self.follow_unchecked(commit))
    }

    /// What `follow` does when nobody checks: for the simulator's switched-off guard only.
    #[must_use]
    pub fn follow_unchecked(&self, commit: &Commit) -> Self {
        Self {
            run: self.run.clone(),
            last: commit.last(),
            hash: commit.hash,
            bytes: self.bytes + commit.body.len() as u64,
            commits: self.commits + 1,
        }
    }

    /// The run.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// The seq of the last event; `Seq::ZERO` if there is none.
    pub fn last(&self) -> Seq {
        self.last
    }

    /// The hash of the last commit.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Bytes of all commits so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Commits so far.
    pub fn commits(&self) -> u64 {
        self.commits
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::payload::{RunResumed, RunWaiting};

    fn run() -> RunId {
        RunId::from_parts(Millis::new(1), [7; 10])
    }

    fn seal(tail: &Tail, count: usize) -> Result<Commit, ChainError> {
        let bodies = (0..count)
            .map(|n| {
                if n % 2 == 0 {
                    RunWaiting {}.into()
                } else {
                    RunResumed {}.into()
                }
            })
            .collect();
        Commit::seal(tail, CommitId::new("c"), Millis::new(5), bodies)
    }

    #[test]
    fn a_commit_opens_as_it_was_sealed() {
        let empty = Tail::empty(run());
        let one = seal(&empty, 3).unwrap();
        let two = seal(&empty.follow(&one).unwrap(), 2).unwrap();
        assert_eq!((two.first.get(), two.last().get()), (4, 5));
        let read = |c: &Commit| {
            Commit::open(
                c.run.clone(),
                c.first,
                c.id.clone(),
                c.prev,
                c.hash,
                &c.body,
            )
        };
        assert_eq!(read(&two), Ok(two.clone()));
        let mut forged = two.clone();
        forged.first = Seq::FIRST;
        assert!(matches!(read(&forged), Err(ChainError::Hash { .. })));
    }

    #[test]
    fn a_hole_a_repeat_and_a_foreign_commit_are_refused() {
        let empty = Tail::empty(run());
        let one = seal(&empty, 1).unwrap();
        let after = empty.follow(&one).unwrap();
        assert!(matches!(after.follow(&one), Err(ChainError::Gap { .. })));
        let other = seal(
            &Tail::empty(run())
                .follow(&seal(&empty, 1).unwrap())
                .unwrap(),
            1,
        )
        .unwrap();
        assert!(after.follow(&other).is_ok());
        let mut broken = other;
        broken.prev = Hash::of(b"elsewhere");
        assert!(matches!(
            after.follow(&broken),
            Err(ChainError::Hash { .. })
        ));
    }

    #[test]
    fn a_commit_holds_1_to_32_events() {
        let empty = Tail::empty(run());
        assert!(seal(&empty, limits::COMMIT_EVENTS_MAX).is_ok());
        for count in [0, limits::COMMIT_EVENTS_MAX + 1] {
            assert!(matches!(
                seal(&empty, count),
                Err(ChainError::TooLarge { .. })
            ));
        }
    }
}
