//! Every problem code of exports. Each has its page in `docs/problems/`.

use lattice_document::Code;

/// Two nodes that would become one file or one name.
pub const SAME_NAME: Code = Code::new("LAT-E001", "two nodes have one name in the export");
/// A name of which no letter or digit is left.
pub const NO_NAME: Code = Code::new("LAT-E002", "nothing is left of a name");
/// A name that the client keeps for itself.
pub const TAKEN_NAME: Code = Code::new("LAT-E003", "a name is taken by the client");
/// One server, set up in two ways.
pub const TWO_SERVERS: Code = Code::new("LAT-E004", "one server is set up in two ways");
/// A text that is longer than the client reads.
pub const TOO_LONG: Code = Code::new("LAT-E005", "a text is too long for the client");
/// A reference where nothing of a run is known.
pub const REFERENCE: Code = Code::new("LAT-E006", "a server refers to something of a run");

/// All codes of exports.
pub const ALL: &[Code] = &[
    SAME_NAME,
    NO_NAME,
    TAKEN_NAME,
    TWO_SERVERS,
    TOO_LONG,
    REFERENCE,
];

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn the_list_is_dense_and_in_order() {
        for (place, code) in ALL.iter().enumerate() {
            assert_eq!(code.id(), format!("LAT-E{:03}", place + 1));
        }
    }
}
