//! What an outside writer hands to a run.

use crate::failure::Usage;
use crate::payload::ChildOutcome;
use crate::value::ValueRef;
use lattice_model::{Hash, InboxId, Millis, NodeId, RunId, StageId};
use serde::{Deserialize, Serialize};

/// One item for one run. Its id makes a repeated put harmless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxItem {
    /// The run it is for.
    pub run: RunId,
    /// Chosen by the writer; the same id is taken once.
    pub id: InboxId,
    /// When it was put.
    pub at: Millis,
    /// What it says.
    pub body: InboxBody,
}

/// What an inbox item says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum InboxBody {
    /// An answer to a node that waits, or will.
    #[serde(rename_all = "camelCase")]
    Signal {
        /// The node that asks.
        node: NodeId,
        /// The visit it answers; an answer to an older visit is refused. `None` = whichever
        /// visit comes first.
        wait: Option<StageId>,
        /// The answer, already redacted.
        value: ValueRef,
    },
    /// Somebody wants the run to end.
    Cancel {
        /// Why, for the record.
        reason: String,
    },
    /// A run that this one had started is over.
    #[serde(rename_all = "camelCase")]
    ChildEnded {
        /// The stage that started it.
        stage: StageId,
        /// The run.
        child: RunId,
        /// How.
        outcome: ChildOutcome,
        /// What model calls used.
        usage: Usage,
        /// Tokens that its budget counts beside those.
        #[serde(default, skip_serializing_if = "crate::budget::is_nothing")]
        lost: u64,
    },
}

impl InboxBody {
    /// What the item says, as a hash: its kind, its node and its value, wherever that is kept. The
    /// visit does not count, because an answer that names none is given one when it is put.
    pub fn fingerprint(&self) -> Hash {
        match self {
            Self::Signal {
                node,
                wait: _,
                value,
            } => {
                let value = match value {
                    ValueRef::Inline(value) => Hash::of_json(value),
                    ValueRef::Blob { hash, .. } => *hash,
                };
                Hash::of_parts(&[b"signal", node.as_str().as_bytes(), value.as_bytes()])
            }
            Self::Cancel { reason } => Hash::of_parts(&[b"cancel", reason.as_bytes()]),
            Self::ChildEnded { child, .. } => {
                Hash::of_parts(&[b"childEnded", child.as_str().as_bytes()])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::InboxBody;
    use crate::value::ValueRef;
    use lattice_model::{Hash, NodeId, StageId, canonical_len};
    use serde_json::{Value, json};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn signal(node: &str, wait: Option<&str>, value: ValueRef) -> InboxBody {
        InboxBody::Signal {
            node: NodeId::new(node),
            wait: wait.map(StageId::new),
            value,
        }
    }

    fn inline(value: Value) -> ValueRef {
        ValueRef::Inline(Arc::new(value))
    }

    #[test]
    fn the_fingerprint_is_of_what_is_said_and_not_of_where_it_is_kept() {
        let value = json!({"b": [1, 0.1, -0.0], "a": "ä"});
        let blob = ValueRef::Blob {
            hash: Hash::of_json(&value),
            bytes: canonical_len(&value) as u64,
        };
        let one = signal("ok", None, inline(value)).fingerprint();
        assert_eq!(signal("ok", None, blob).fingerprint(), one);
        let turned = inline(json!({"a": "ä", "b": [1, 0.1, -0.0]}));
        assert_eq!(signal("ok", Some("ok@1"), turned).fingerprint(), one);
    }

    #[test]
    fn another_kind_node_or_value_has_another_fingerprint() {
        let cancel = |reason: &str| InboxBody::Cancel {
            reason: reason.to_owned(),
        };
        let bodies = [
            signal("ok", None, inline(json!("yes"))),
            signal("ok", None, inline(json!("no"))),
            signal("ok", None, inline(json!(["yes"]))),
            signal("sure", None, inline(json!("yes"))),
            signal("", None, inline(json!("yes"))),
            cancel("yes"),
            cancel(""),
        ];
        let seen: BTreeSet<Hash> = bodies.iter().map(InboxBody::fingerprint).collect();
        assert_eq!(seen.len(), bodies.len());
    }

    /// A repeated request holds a number as it was sent, the store as it was written and read.
    #[test]
    fn a_stored_body_keeps_its_fingerprint() {
        for text in [
            "0.1",
            "1e-7",
            "123456789.12345678",
            "5e-324",
            "1.7976931348623157e308",
            "0.30000000000000004",
            "2.2250738585072011e-308",
            "9007199254740993",
            "18446744073709551615",
            "-0.0",
            "8.41e21",
            "9.5e-21",
            "0.000035689",
            "123456789012345678901234567890",
        ] {
            let body = signal("ok", None, inline(serde_json::from_str(text).unwrap()));
            let stored = serde_json::to_string(&body).unwrap();
            let read: InboxBody = serde_json::from_str(&stored).unwrap();
            assert_eq!(read.fingerprint(), body.fingerprint(), "{text}");
        }
    }
}
