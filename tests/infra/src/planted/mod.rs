//! Every planted fault.

mod access;
mod data;
mod functions;
mod linters_miss;
mod watching;

use crate::faults::{Change, Fault};

/// The assertion, what was planted, and how.
type Row = (&'static str, &'static str, Change);

/// Every planted fault.
pub fn all() -> Vec<Fault> {
    let shelves = [
        linters_miss::ALL,
        functions::ALL,
        data::ALL,
        access::ALL,
        watching::ALL,
    ];
    let rows = shelves.into_iter().flatten();
    rows.map(|&(assertion, says, change)| Fault {
        assertion,
        says,
        change,
    })
    .collect()
}
