//! The limit on runs that are open at once: that its key can be made of the input alone.

use crate::codes;
use crate::problems::Problems;
use crate::unit::Unit;
use lattice_document::Problem;
use lattice_ir::{Concurrency, KeyError, parse_key};

/// See the head of the file.
pub fn check(unit: &Unit<'_>, problems: &mut Problems) {
    let limit = unit.document.settings.concurrency.as_ref();
    let Some(key) = limit.and_then(|limit| limit.key.as_deref()) else {
        return;
    };
    let Err(error) = parse_key(key) else {
        return;
    };
    let help = match &error {
        KeyError::Template(_) => "write references as `{{in.name}}`",
        KeyError::NotInput(_) => {
            "name what the runs have in common by a field of the input, such as `{{in.customer}}`"
        }
    };
    let pointer = unit.pointers.top("/settings/concurrency/key");
    let problem = Problem::error(codes::BAD_LIMIT_KEY, pointer, error.to_string());
    problems.add(problem.help(help));
}

/// How many runs may be open at once.
pub fn concurrency(unit: &Unit<'_>) -> Option<Concurrency> {
    let limit = unit.document.settings.concurrency.as_ref()?;
    Some(Concurrency {
        max_runs: limit.max_runs,
        key: limit.key.clone(),
    })
}
