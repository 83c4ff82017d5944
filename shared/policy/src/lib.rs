//! What may be shown. Redaction takes secrets out of texts, values and failures by shape, by field
//! name and by declared value. No IO, no clock, no randomness.
//!
//! `rules` lists the shapes, `fields` the names, `find` looks for shapes, `forms` spells a declared
//! value in every way it may turn up, and `redactor` puts them together.

mod fields;
mod find;
mod forms;
mod redactor;
mod rules;

pub use find::{Finding, find_secrets};
pub use redactor::Redactor;

#[cfg(test)]
mod tests;
