//! Exit codes. Scripts depend on them.

use lattice_journal::RunStatus;
use std::process::ExitCode;

/// How a command ended. 2 is `clap`'s, for words that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: the run completed, or the command did what it was asked.
    Completed,
    /// 1: the run failed or was cancelled by somebody else, or the command could not do it.
    Failed,
    /// 3: the run waits for a person.
    Waiting,
    /// 130: Ctrl-C.
    Interrupted,
    /// 143: asked to stop by SIGTERM; runs go on with `lattice resume`.
    Terminated,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Failed => 1,
            Self::Waiting => 3,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// What a run that stands so means to the command that watched it.
    pub fn of(status: RunStatus) -> Self {
        match status {
            RunStatus::Completed => Self::Completed,
            RunStatus::Failed | RunStatus::Cancelled => Self::Failed,
            RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => Self::Waiting,
        }
    }

    /// Of several runs: a failure is said first, then a run that waits.
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        exits
            .into_iter()
            .fold(Self::Completed, |worst, exit| match (worst, exit) {
                (Self::Failed, _) | (_, Self::Failed) => Self::Failed,
                (Self::Waiting, _) | (_, Self::Waiting) => Self::Waiting,
                _ => Self::Completed,
            })
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::{self, Completed, Failed, Waiting};

    #[test]
    fn a_failure_outweighs_a_wait_and_a_wait_outweighs_success() {
        assert_eq!(Exit::worst([]), Completed);
        assert_eq!(Exit::worst([Completed, Waiting, Completed]), Waiting);
        assert_eq!(Exit::worst([Waiting, Failed, Completed]), Failed);
    }
}
