//! How our words stand in columns.

use crate::error::Trouble;
use lattice_journal::RunStatus;
use lattice_model::{Hash, Millis, RunId, Seq, Tenant};
use rusqlite::Row;

/// A number as SQLite keeps it; the end of time stays the end of time.
pub(crate) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit.
pub(crate) fn limit(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A place in a run, read back.
pub(crate) fn seq(number: i64) -> Seq {
    Seq::from_stored(number.unsigned_abs())
}

/// A moment, read back.
pub(crate) fn millis(number: i64) -> Millis {
    Millis::new(number.unsigned_abs())
}

/// A hash, read back.
pub(crate) fn hash(bytes: &[u8]) -> Result<Hash, Trouble> {
    let whole = <[u8; 32]>::try_from(bytes);
    whole
        .map(Hash::from_bytes)
        .map_err(|_| Trouble::corrupt(format!("a hash has {} bytes instead of 32", bytes.len())))
}

/// The bytes of a column, without a copy.
pub(crate) fn blob<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row [u8], Trouble> {
    let bytes = row.get_ref(column)?.as_blob();
    bytes.map_err(|error| Trouble::corrupt(format!("column {column}: {error}")))
}

/// The text of a column, without a copy.
pub(crate) fn text<'row>(row: &'row Row<'_>, column: usize) -> Result<&'row str, Trouble> {
    let text = row.get_ref(column)?.as_str();
    text.map_err(|error| Trouble::corrupt(format!("column {column}: {error}")))
}

/// The id of a run, read back.
pub(crate) fn run(text: &str) -> Result<RunId, Trouble> {
    text.parse()
        .map_err(|error: lattice_model::IdError| Trouble::corrupt(error.to_string()))
}

/// The id of a tenant, read back.
pub(crate) fn tenant(text: &str) -> Result<Tenant, Trouble> {
    text.parse()
        .map_err(|error: lattice_model::IdError| Trouble::corrupt(error.to_string()))
}

/// A status, read back.
pub(crate) fn status(word: &str) -> Result<RunStatus, Trouble> {
    let found = RunStatus::ALL
        .into_iter()
        .find(|status| status.as_str() == word);
    found.ok_or_else(|| Trouble::corrupt(format!("`{word}` is not a status")))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn hashes_read_back_and_short_ones_are_refused() {
        for text in ["", "a", "another"] {
            let whole = Hash::of(text.as_bytes());
            assert_eq!(hash(whole.as_bytes()).unwrap(), whole);
        }
        assert!(hash(&[0; 31]).is_err());
    }

    #[test]
    fn every_status_reads_back() {
        for each in RunStatus::ALL {
            assert_eq!(status(each.as_str()).unwrap(), each);
        }
        assert!(status("dancing").is_err());
    }
}
