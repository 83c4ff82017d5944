//! Identities. Each is a newtype, so that a run's id is never taken for a stage's.

use crate::canonical::Hash;
use crate::limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: expected {expected}")]
pub struct IdError {
    what: &'static str,
    text: String,
    expected: &'static str,
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; the reader of documents and commands checks it first.
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(text.as_ref().into())
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// The id of a stored workflow document.
    WorkflowId
}
text_id! {
    /// The id of a node that a person drew.
    NodeId
}
text_id! {
    /// The identity of a stage: one visit of one op. The op's name, in the body of a map the place
    /// of the item in brackets, and from the second visit on the number of the visit behind `@`.
    StageId
}
text_id! {
    /// A branch of a split: the split's visit, `/`, and the branch's place from 0.
    BranchId
}
text_id! {
    /// The idempotent id of an inbox item, chosen by the outside writer.
    InboxId
}
text_id! {
    /// One start of one process. A claim carries it, so that a new owner of the data knows at once
    /// which claims died with the old one.
    BootId
}
text_id! {
    /// The id of a stored trigger: a webhook's address, a schedule's name.
    TriggerId
}
text_id! {
    /// Names one attempt to put one commit; reused only for a byte-identical resend.
    CommitId
}

impl StageId {
    /// The name of the op that it visits.
    pub fn op_name(&self) -> &str {
        self.as_str().split(['@', '[']).next().unwrap_or_default()
    }

    /// The place of the item that it belongs to, as it stands in brackets.
    pub fn item(&self) -> Option<&str> {
        let (_, behind) = self.as_str().split_once('[')?;
        behind.split(']').next()
    }
}

impl BranchId {
    /// The branch at this place of this visit of a split.
    pub fn of(split: &StageId, index: u32) -> Self {
        Self(format!("{split}/{index}").into())
    }
}

/// Whose workflows and runs these are. Everything that is listed or named from outside belongs to one
/// tenant; a laptop has only `local`.
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Tenant(Arc<str>);

impl Tenant {
    /// The tenant of a laptop.
    pub fn local() -> Self {
        Self("local".into())
    }

    /// Whether it is the tenant of a laptop.
    pub fn is_local(&self) -> bool {
        &*self.0 == "local"
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A key that somebody of this tenant chose, as it is stored: two tenants may choose the same.
    // The separator cannot stand in a tenant's id, and `local` keeps the keys it always had.
    pub fn scoped(&self, key: &str) -> String {
        match self.is_local() {
            true => key.to_owned(),
            false => format!("{}\u{1f}{key}", self.0),
        }
    }
}

impl Default for Tenant {
    fn default() -> Self {
        Self::local()
    }
}

impl FromStr for Tenant {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if (1..=limits::TENANT_CHARS_MAX).contains(&text.len()) && text.bytes().all(letter) {
            return Ok(Self(text.into()));
        }
        Err(IdError {
            what: "tenant",
            text: text.to_owned(),
            expected: "1 to 64 letters, digits, `-`, `_` or `.`",
        })
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a run: `run_` and 26 characters of Crockford base 32, time first, so that ids sort by
/// the moment they were made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

const CROCKFORD: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl RunId {
    /// Makes an id from the time in milliseconds and ten random bytes (the layout of a ULID).
    pub fn from_parts(at: crate::Millis, entropy: [u8; 10]) -> Self {
        let mut bits: u128 = u128::from(at.get() & 0xffff_ffff_ffff);
        for byte in entropy {
            bits = (bits << 8) | u128::from(byte);
        }
        let digits = (0..26).rev().map(|place| {
            let index = (bits >> (place * 5)) & 31;
            CROCKFORD
                .get(index as usize)
                .map_or('0', |digit| char::from(*digit))
        });
        Self(format!("run_{}", digits.collect::<String>()))
    }

    /// The id of the run that a stage of another run starts: whoever asks again at that moment of the
    /// log gets the same (protocol, rule 10).
    pub fn of_child(parent: &Self, stage: &StageId, at: crate::Millis) -> Self {
        let hash = Hash::of_parts(&[parent.as_str().as_bytes(), stage.as_str().as_bytes()]);
        let mut entropy = [0; 10];
        entropy
            .iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(byte, of_hash)| *byte = *of_hash);
        Self::from_parts(at, entropy)
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl JsonSchema for RunId {
    fn schema_name() -> Cow<'static, str> {
        "RunId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The id of a run. Ids sort by the moment they were made.",
            "pattern": "^run_[0-9a-hjkmnp-tv-z]{26}$",
        })
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let good = text.strip_prefix("run_").is_some_and(|rest| {
            rest.len() == 26 && rest.bytes().all(|byte| CROCKFORD.contains(&byte))
        });
        if good {
            return Ok(Self(text.to_owned()));
        }
        Err(IdError {
            what: "run id",
            text: text.to_owned(),
            expected: "`run_` and 26 letters or digits, as `lattice runs` prints it",
        })
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The place of an op in its Program.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct OpId(pub u32);

impl OpId {
    /// The place as an index into the Program's list of ops.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// The hash of a Program's canonical JSON: a Program is immutable and this is its name.
pub type ProgramHash = Hash;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use crate::Millis;

    #[test]
    fn a_run_id_reads_back_and_sorts_by_time() {
        let early = RunId::from_parts(Millis::new(1), [255; 10]);
        let late = RunId::from_parts(Millis::new(2), [0; 10]);
        assert!(early < late);
        assert_eq!(early.as_str().parse::<RunId>(), Ok(early.clone()));
    }

    #[test]
    fn keys_of_tenants_never_meet() {
        let (a, b): (Tenant, Tenant) = ("a".parse().unwrap(), "b".parse().unwrap());
        assert_ne!(a.scoped("k"), b.scoped("k"));
        assert_eq!(Tenant::local().scoped("k"), "k");
        let (long, longest) = (
            "t".repeat(limits::TENANT_CHARS_MAX + 1),
            "t".repeat(limits::TENANT_CHARS_MAX),
        );
        assert!(longest.parse::<Tenant>().is_ok());
        for wrong in ["", "a b", "a/b", "a\u{1f}b", long.as_str()] {
            assert!(wrong.parse::<Tenant>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_text_that_is_no_run_id_says_what_one_looks_like() {
        let error = "run_x".parse::<RunId>().unwrap_err().to_string();
        assert!(error.contains("`run_x`") && error.contains("lattice runs"));
    }
}
