//! Every problem code of the document reader, in one list. A code is for ever: its page is
//! `docs/problems/<code>.md`, and a number that is no longer used is not given out again.

use serde::{Serialize, Serializer};
use std::fmt;

/// The name of a kind of problem. The reader's are `LAT-D0xx`; the compiler and the node types
/// declare theirs (`LAT-C0xx`, `LAT-N0xx`) with this same type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    id: &'static str,
    title: &'static str,
}

impl Code {
    /// Declares a code: its id as printed, and a title of a few words.
    pub const fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title }
    }

    /// The id as printed, such as `LAT-D001`.
    pub const fn id(self) -> &'static str {
        self.id
    }

    /// What kind of problem it is, in a few words.
    pub const fn title(self) -> &'static str {
        self.title
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

/// The text is not JSON.
pub const NOT_JSON: Code = Code::new("LAT-D001", "the document is not JSON");
/// The bytes are not UTF-8.
pub const NOT_UTF8: Code = Code::new("LAT-D002", "the document is not UTF-8 text");
/// More bytes than `DOCUMENT_BYTES_MAX`.
pub const TOO_LARGE: Code = Code::new("LAT-D003", "the document is too large");
/// Nested more deeply than `JSON_DEPTH_MAX`.
pub const TOO_DEEP: Code = Code::new("LAT-D004", "the document is nested too deeply");
/// One object has the same key twice.
pub const DUPLICATE_KEY: Code = Code::new("LAT-D005", "a key stands twice in one object");
/// The top level is a list, a text, a number ...
pub const NOT_AN_OBJECT: Code = Code::new("LAT-D006", "the document is not a JSON object");
/// None of the three shapes that can be read.
pub const UNKNOWN_SHAPE: Code = Code::new("LAT-D007", "the shape of the document is not known");
/// A `formatVersion` that this program does not read.
pub const FORMAT_VERSION: Code = Code::new("LAT-D008", "the format version is not supported");
/// A field that must be there is not.
pub const MISSING_FIELD: Code = Code::new("LAT-D009", "a field is missing");
/// A field holds another type of value than it must.
pub const WRONG_TYPE: Code = Code::new("LAT-D010", "a field has the wrong type");
/// A field that the format does not have.
pub const UNKNOWN_FIELD: Code = Code::new("LAT-D011", "a field is not known");
/// An id or a variable's name that is empty, too long or has other characters than allowed.
pub const ILLEGAL_ID: Code = Code::new("LAT-D012", "an id is not legal");
/// Two nodes or two edges with one id.
pub const DUPLICATE_ID: Code = Code::new("LAT-D013", "an id is used twice");
/// More nodes or edges than the limit.
pub const TOO_MANY: Code = Code::new("LAT-D014", "too many nodes or edges");
/// A number outside its limits.
pub const OUT_OF_RANGE: Code = Code::new("LAT-D015", "a value is out of range");
/// There are more problems than are shown.
pub const MORE_PROBLEMS: Code = Code::new("LAT-D016", "more problems than are shown");
/// A step of an older document read or wrote a file, which it cannot do any more.
pub const FILE_ACCESS_LOST: Code = Code::new("LAT-D017", "file access was lost in the upgrade");
/// A step of an older document works differently now, and a person should look at it.
pub const LOOK_AT_UPGRADE: Code = Code::new("LAT-D018", "an upgraded step needs a look");
/// A flow inside an older document has to become a workflow of its own.
pub const EMBEDDED_FLOW: Code = Code::new("LAT-D019", "a flow inside the document must be saved");

/// All codes of the reader.
pub const ALL: &[Code] = &[
    NOT_JSON,
    NOT_UTF8,
    TOO_LARGE,
    TOO_DEEP,
    DUPLICATE_KEY,
    NOT_AN_OBJECT,
    UNKNOWN_SHAPE,
    FORMAT_VERSION,
    MISSING_FIELD,
    WRONG_TYPE,
    UNKNOWN_FIELD,
    ILLEGAL_ID,
    DUPLICATE_ID,
    TOO_MANY,
    OUT_OF_RANGE,
    MORE_PROBLEMS,
    FILE_ACCESS_LOST,
    LOOK_AT_UPGRADE,
    EMBEDDED_FLOW,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn the_list_is_dense_and_in_order() {
        for (place, code) in ALL.iter().enumerate() {
            assert_eq!(code.id(), format!("LAT-D{:03}", place + 1));
            assert!(!code.title().is_empty());
        }
    }
}
