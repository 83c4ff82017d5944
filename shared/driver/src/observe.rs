//! Who watches: told of a commit once it is durable, never before.

use lattice_journal::Commit;

/// Watches commits of this process. Called after the acknowledgement, in the order of each run;
/// must not block.
pub trait Observer: Send + Sync + 'static {
    /// A commit was acknowledged.
    fn committed(&self, commit: &Commit);
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn committed(&self, _commit: &Commit) {}
}
