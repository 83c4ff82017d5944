//! Suggestions with a bound on the work of one compilation.

use lattice_model::limits::SUGGESTION_NAMES_MAX;
use lattice_nodes::nearest;
use std::cell::Cell;

/// Names compared so far.
#[derive(Debug, Default)]
pub(crate) struct Suggest {
    compared: Cell<usize>,
}

impl Suggest {
    /// `; did you mean ..`, or nothing: if no name is near, or enough names have been compared.
    pub fn meant<'c>(&self, name: &str, candidates: impl Iterator<Item = &'c str>) -> String {
        let left = SUGGESTION_NAMES_MAX.saturating_sub(self.compared.get());
        let counted = candidates
            .take(left)
            .inspect(|_| self.compared.set(self.compared.get() + 1));
        nearest(name, counted)
            .map(|meant| format!("; did you mean `{meant}`"))
            .unwrap_or_default()
    }
}
