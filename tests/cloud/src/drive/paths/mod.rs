//! The paths, in the order in which they are driven: what works, then what breaks.

mod callers;
mod families;
mod faults;
mod forks;
mod logs;
mod runs;
mod stream;
mod triggers;

use super::world::World;
use super::wrong::Wrong;
use futures::future::LocalBoxFuture;

/// One path through the whole system.
pub struct Path {
    /// Its name.
    pub name: &'static str,
    /// What it shows.
    pub shows: &'static str,
    /// Drives it; what was found, in a few words.
    pub drive: for<'a> fn(&'a World) -> LocalBoxFuture<'a, Result<String, Wrong>>,
}

macro_rules! paths {
    ($($name:literal $module:ident::$drive:ident $shows:literal;)*) => {
        /// All of them.
        pub const PATHS: &[Path] = &[$(Path {
            name: $name,
            shows: $shows,
            drive: |world| Box::pin($module::$drive(world)),
        }),*];
    };
}

paths! {
    "health" callers::health "the API answers without a token";
    "tokens" callers::tokens "no token and an expired one 401, a scope that is missing 403, another tenant 404";
    "refusals" callers::refusals "a document of 4 MB and a byte 413, an unknown field 400";
    "run" runs::question "a run started over HTTP asks, is answered, ends; its state at each place";
    "branches" runs::branches "sixteen branches at once meet; of three only the first counts, the others are stopped";
    "calls" families::calls "a run calls a run of another workflow; a cancel reaches it";
    "list" families::list "a list of forty items goes in four runs, and comes back in order";
    "cancel" runs::cancel "a run is cancelled in the middle of a model call";
    "timer" runs::timer "a wait of 20 minutes ends when all clocks are set ahead";
    "webhook" triggers::webhook "a signed webhook starts a run; unsigned, stale, replayed, re-encoded ones do not";
    "schedule" triggers::schedule "a schedule fires and starts a run";
    "stream" stream::dropped "a run is followed live through dropped connections";
    "logs" logs::logs "logs are JSON, carry the caller's trace and known metrics, and hold no secret";
    "poison" faults::poison "what cannot be read goes to the dead-letter queue, its neighbours go on";
    "redrive" faults::redrive "a message that was given up is put back, and its run ends well";
    "killed" faults::killed "the step function is killed in the middle of an effect";
    "lost" faults::lost "the step function is killed while the effects of four branches are under way";
    "family" faults::family "the step function is killed while a called run's list is under way in batches";
    "fork" forks::fork "a run is forked behind its first step; the step function is killed in the fork's first effect";
    "twice" faults::twice "every message is delivered twice";
    "refused" faults::refused "DynamoDB refuses for a minute: callers are told, nothing is lost";
}

#[cfg(test)]
mod tests {
    use super::PATHS;
    use std::collections::BTreeSet;

    #[test]
    fn paths_have_names_of_their_own() {
        let names: BTreeSet<_> = PATHS.iter().map(|path| path.name).collect();
        assert_eq!(names.len(), PATHS.len());
    }
}
