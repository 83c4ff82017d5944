//! What a port call is, and what may happen to it.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $group:ident),* $(,)?) => {
        /// Which call of which port.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $kind),* }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// What sort of call it is.
            pub fn group(self) -> Group {
                match self { $(Self::$kind => Group::$group),* }
            }
        }
    };
}

/// Sorts of calls that are open to the same fates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Changes the store.
    Write,
    /// Only looks: an answer that is lost is as good as a refusal, and whether a crash comes
    /// before or after makes no difference.
    Read,
    /// The queue.
    Queue,
    /// Cannot fail, only be overtaken by a crash.
    Mute,
}

kinds! {
    /// `RunLog::append`.
    Append = Write,
    /// `RunLog::load`.
    Load = Read,
    /// `RunLog::put_checkpoint`.
    PutCheckpoint = Write,
    /// `RunLog::checkpoint`.
    Checkpoint = Read,
    /// `RunLog::summary`.
    Summary = Read,
    /// `Keys::run_of_key`.
    RunOfKey = Read,
    /// `RunIndex::put_head`.
    PutHead = Write,
    /// `RunIndex::head`.
    Head = Read,
    /// `RunIndex::heads`.
    Heads = Read,
    /// `RunIndex::due`.
    Due = Read,
    /// `RunIndex::defer`.
    Defer = Write,
    /// `Inbox::put_item`.
    PutItem = Write,
    /// `Inbox::unread`.
    Unread = Read,
    /// `Inbox::fingerprint`.
    Fingerprint = Read,
    /// `Inbox::bury`.
    Bury = Write,
    /// `Inbox::runs_with_unread`.
    UnreadRuns = Read,
    /// `Blobs::put_blob`.
    PutBlob = Write,
    /// `Blobs::blob`.
    Blob = Read,
    /// `Slots::acquire`.
    Acquire = Write,
    /// `Slots::release`.
    Release = Write,
    /// `Slots`, reading.
    Slots = Read,
    /// `Workflows`, writing.
    PutShelf = Write,
    /// `Workflows`, reading.
    Shelf = Read,
    /// `StageQueue::send`.
    Send = Queue,
    /// `StageQueue::receive`, once a message is there.
    Receive = Queue,
    /// `StageQueue::ack`.
    Ack = Queue,
    /// `StageQueue::give_back`.
    GiveBack = Queue,
    /// `Clock::sleep`.
    Sleep = Mute,
    /// An effect leaves the worker.
    EffectStart = Mute,
    /// The effect's answer arrives.
    EffectEnd = Mute,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// What should.
    Proceed,
    /// The process dies and the call has no effect.
    CrashBefore,
    /// The call takes effect and the process dies before it learns of it.
    CrashAfter,
    /// The call takes effect and its caller is told that nobody knows.
    AnswerLost,
    /// The call has no effect and its caller is told so by the same error.
    Refused,
    /// The call takes effect only after so many milliseconds.
    SlowBefore(u64),
    /// The call takes effect at once and its answer needs so many milliseconds.
    SlowAfter(u64),
    /// A load from which a commit in the middle is missing.
    Hole,
    /// A checkpoint whose bytes were changed on the way.
    Corrupt,
}

impl Fate {
    /// The faults that an exhaustive run tries at every call.
    pub const FAULTS: &[Self] = &[
        Self::CrashBefore,
        Self::CrashAfter,
        Self::AnswerLost,
        Self::Refused,
    ];

    /// Whether the fate can befall such a call and differs from all the others that can. In a
    /// local arrangement the queue and the workers die together, so its calls cannot fail alone.
    pub fn applies(self, kind: Kind, local: bool) -> bool {
        match (self, kind.group()) {
            (Self::CrashBefore, _) => true,
            (Self::CrashAfter, group) => group != Group::Read,
            (Self::AnswerLost, Group::Write) | (Self::Refused, Group::Read | Group::Write) => true,
            (Self::AnswerLost | Self::Refused, Group::Queue) => !local,
            _ => false,
        }
    }

    /// Whether the process dies of it.
    pub fn is_crash(self) -> bool {
        matches!(self, Self::CrashBefore | Self::CrashAfter)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proceed => f.pad("proceed"),
            Self::CrashBefore => f.pad("crash-before"),
            Self::CrashAfter => f.pad("crash-after"),
            Self::AnswerLost => f.pad("answer-lost"),
            Self::Refused => f.pad("refused"),
            Self::SlowBefore(ms) => write!(f, "slow-before:{ms}"),
            Self::SlowAfter(ms) => write!(f, "slow-after:{ms}"),
            Self::Hole => f.pad("hole"),
            Self::Corrupt => f.pad("corrupt"),
        }
    }
}

impl FromStr for Fate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = [Self::Proceed, Self::Hole, Self::Corrupt];
        let mut named = Self::FAULTS.iter().chain(&plain);
        if let Some(fate) = named.find(|fate| fate.to_string() == text) {
            return Ok(*fate);
        }
        let slow = text.split_once(':').and_then(|(word, ms)| {
            let ms = ms.parse().ok()?;
            match word {
                "slow-before" => Some(Self::SlowBefore(ms)),
                "slow-after" => Some(Self::SlowAfter(ms)),
                _ => None,
            }
        });
        slow.ok_or_else(|| {
            let known = "crash-before, crash-after, answer-lost, refused, slow-before:MS, \
                         slow-after:MS, hole, corrupt";
            format!("`{text}` is not a fate; expected one of {known}")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::{Fate, Kind};

    #[test]
    fn every_fate_reads_back_as_it_prints() {
        let slow = [Fate::SlowBefore(7), Fate::SlowAfter(9), Fate::Hole];
        for fate in Fate::FAULTS.iter().chain(&slow) {
            assert_eq!(fate.to_string().parse(), Ok(*fate));
        }
        assert!("late".parse::<Fate>().unwrap_err().contains("`late`"));
    }

    #[test]
    fn every_call_can_be_crashed_at_and_only_a_mute_one_cannot_fail() {
        for kind in Kind::ALL {
            assert!(Fate::CrashBefore.applies(*kind, false));
        }
        assert!(!Fate::Refused.applies(Kind::Sleep, false));
        assert!(Fate::Refused.applies(Kind::Ack, false));
        assert!(!Fate::Refused.applies(Kind::Ack, true));
    }
}
