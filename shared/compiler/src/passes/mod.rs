//! The checks over the whole graph, one file each, and what follows when none found an error.

mod branches;
mod concurrency;
mod cycles;
mod dead_ends;
mod edges;
mod flows;
pub mod inputs;
mod names;
mod never;
mod op_names;
pub mod open;
mod parents;
mod secrets;
mod settings;
mod start_and_end;
mod unreachable;
mod unset;

pub mod lower;
pub mod verify;

use crate::problems::Problems;
use crate::unit::Unit;

/// A check: looks at the whole and adds what it finds.
pub type Check = fn(&Unit<'_>, &mut Problems);

/// Every check. `open` has run before them.
pub const CHECKS: &[Check] = &[
    start_and_end::check,
    edges::check,
    cycles::check,
    unreachable::check,
    dead_ends::check,
    branches::check,
    flows::check,
    parents::check,
    op_names::check,
    settings::check,
    concurrency::check,
    names::check,
    unset::check,
    inputs::check,
    secrets::check,
    never::check,
];
