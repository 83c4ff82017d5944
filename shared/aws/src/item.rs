//! Items of the table: written and read attribute by attribute, measured as DynamoDB bills them.

use crate::error::{TABLE, corrupt};
use crate::keys::{EXP, P, S};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use lattice_model::{Hash, Millis, Seq, Tenant};
use lattice_ports::PortError;
use std::collections::HashMap;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A text.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// A number.
pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// Bytes.
pub(crate) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// A hash.
pub(crate) fn hash(value: &Hash) -> AttributeValue {
    bytes(value.as_bytes())
}

/// Puts an item together.
#[derive(Debug, Clone)]
pub(crate) struct Builder(Item);

impl Builder {
    /// An item at this place.
    pub(crate) fn at(partition: String, sort: impl Into<String>) -> Self {
        Self(key(partition, sort))
    }

    /// With this attribute.
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// With this attribute, if it has a value.
    pub(crate) fn maybe(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// To be removed at this moment, in seconds.
    pub(crate) fn until(self, seconds: u64) -> Self {
        self.with(EXP, number(seconds))
    }

    pub(crate) fn build(self) -> Item {
        self.0
    }
}

/// The key of an item.
pub(crate) fn key(partition: String, sort: impl Into<String>) -> Item {
    HashMap::from([
        (P.to_owned(), text(partition)),
        (S.to_owned(), text(sort.into())),
    ])
}

/// Reads an item; what is not as it was written is named with the item's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a Item);

impl<'a> Reader<'a> {
    /// A text.
    pub(crate) fn text(self, name: &str) -> Result<&'a str, PortError> {
        match self.0.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(self.wrong(name, "a text")),
        }
    }

    /// A number.
    pub(crate) fn number(self, name: &str) -> Result<u64, PortError> {
        let found = self.maybe_number(name)?;
        found.ok_or_else(|| self.wrong(name, "a number"))
    }

    /// A number that may be missing.
    pub(crate) fn maybe_number(self, name: &str) -> Result<Option<u64>, PortError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(digits)) => match digits.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(self.wrong(name, "a number")),
            },
            Some(_) => Err(self.wrong(name, "a number")),
        }
    }

    /// Bytes.
    pub(crate) fn bytes(self, name: &str) -> Result<&'a [u8], PortError> {
        match self.0.get(name) {
            Some(AttributeValue::B(blob)) => Ok(blob.as_ref()),
            _ => Err(self.wrong(name, "bytes")),
        }
    }

    /// A hash.
    pub(crate) fn hash(self, name: &str) -> Result<Hash, PortError> {
        let bytes = self.bytes(name)?.try_into();
        let bytes = bytes.map_err(|_| self.wrong(name, "a hash"))?;
        Ok(Hash::from_bytes(bytes))
    }

    /// The number of an event.
    pub(crate) fn seq(self, name: &str) -> Result<Seq, PortError> {
        Ok(Seq::from_stored(self.number(name)?))
    }

    /// A moment.
    pub(crate) fn millis(self, name: &str) -> Result<Millis, PortError> {
        Ok(Millis::new(self.number(name)?))
    }

    /// A tenant.
    pub(crate) fn tenant(self, name: &str) -> Result<Tenant, PortError> {
        let tenant = self.text(name)?.parse();
        tenant.map_err(|_| self.wrong(name, "a tenant"))
    }

    /// Whether there is such an attribute.
    pub(crate) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The item is not what was written.
    pub(crate) fn wrong(self, name: &str, expected: &str) -> PortError {
        let place = |name| match self.0.get(name) {
            Some(AttributeValue::S(text)) => text.as_str(),
            _ => "?",
        };
        let (p, s) = (place(P), place(S));
        corrupt(TABLE, format!("`{name}` of `{p}` `{s}` is not {expected}"))
    }
}

/// The size of an item as DynamoDB counts it: names and values in UTF-8, a number about a byte for
/// two digits, a byte for a truth value. ("DynamoDB item sizes and formats" in its developer guide.)
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_bytes(value))
        .sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        _ => 1,
    }
}

/// Write units of an item of so many bytes: one for each kilobyte begun.
pub(crate) fn write_units(bytes: usize) -> f64 {
    bytes.div_ceil(1_024).max(1) as f64
}

/// Read units of so many bytes: one for each four kilobytes begun, half of it for a read that need
/// not be consistent.
pub(crate) fn read_units(bytes: usize, consistent: bool) -> f64 {
    let units = bytes.div_ceil(4_096).max(1) as f64;
    units * if consistent { 1.0 } else { 0.5 }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn of(size: usize) -> Item {
        // `p` and `s` with one letter each, `b` and its bytes.
        Builder::at("p".to_owned(), "s")
            .with("b", bytes(&vec![0; size - 5]))
            .build()
    }

    #[test]
    fn units_begin_at_each_kilobyte() {
        for (size, writes, reads) in [
            (5, 1.0, 1.0),
            (1_024, 1.0, 1.0),
            (1_025, 2.0, 1.0),
            (4_096, 4.0, 1.0),
            (4_097, 5.0, 2.0),
        ] {
            assert_eq!(item_bytes(&of(size)), size);
            assert_eq!(write_units(size), writes, "{size}");
            assert_eq!(read_units(size, true), reads, "{size}");
            assert_eq!(read_units(size, false), reads / 2.0, "{size}");
        }
        assert_eq!(write_units(0), 1.0);
    }

    #[test]
    fn a_size_counts_names_and_values() {
        let item = Builder::at("pp".to_owned(), "ä")
            .with("n", number(12_345))
            .with("t", AttributeValue::Bool(true))
            .until(7)
            .build();
        // p + pp, s + ä, n + 4, t + 1, exp + 2
        assert_eq!(item_bytes(&item), 3 + 3 + 5 + 2 + 5);
    }

    #[test]
    fn what_is_not_as_it_was_written_is_named_with_its_place() {
        let item = Builder::at("r#x".to_owned(), "head")
            .with("seq", text("three"))
            .with("hash", bytes(&[1, 2]))
            .build();
        let reader = Reader(&item);
        for error in [
            reader.number("seq").unwrap_err(),
            reader.hash("hash").unwrap_err(),
            reader.text("none").unwrap_err(),
            reader.tenant("none").unwrap_err(),
        ] {
            assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
            assert!(error.to_string().contains("`r#x` `head`"), "{error}");
        }
        assert_eq!(reader.maybe_number("none").unwrap(), None);
    }
}
