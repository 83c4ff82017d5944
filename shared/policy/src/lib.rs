//! What may be shown. Redaction takes secrets out of texts, values and failures by shape, by field
//! name and by declared value. No IO, no clock, no randomness.
//!
//! `rules` lists the shapes, `fields` the names, `find` looks for shapes, `forms` spells a declared
//! value in every way it may turn up, and `redactor` puts them together. `live` redacts a text while
//! it comes, and `begun` sees where a secret may have begun.

mod begun;
mod fields;
mod find;
mod forms;
mod live;
mod redactor;
mod rules;

pub use find::{Finding, find_secrets};
pub use live::LiveRedaction;
pub use redactor::Redactor;

#[cfg(test)]
mod tests;
