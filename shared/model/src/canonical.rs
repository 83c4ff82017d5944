//! Canonical JSON and its hash: object keys in byte order, no spaces, numbers as `serde_json`
//! writes them. Two equal values have equal bytes whatever order their keys were written in.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256 hash, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl JsonSchema for Hash {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A SHA-256 hash as 64 hexadecimal digits.",
            "pattern": "^[0-9a-f]{64}$",
        })
    }
}

impl Hash {
    /// The hash of nothing: what the first commit of a run names as the one before it.
    pub const ZERO: Self = Self([0; 32]);

    /// Hashes the parts, each with its length before it, so that no two lists of parts collide.
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Hashes one text or byte string.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Hashes the canonical JSON of a value.
    pub fn of_json(value: &Value) -> Self {
        Self::of(&canonical_json(value))
    }

    /// The hash as it is stored where bytes can be.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads the stored bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 64 hexadecimal digits.
    pub fn to_hex(self) -> String {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
        let digits = self
            .0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .map(digit);
        digits.collect()
    }

    /// The first 12 digits, for people.
    pub fn short(self) -> String {
        self.to_hex().chars().take(12).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.short())
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_hex()
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refused = || format!("`{text}` is not a hash of 64 hexadecimal digits");
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(refused());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(place * 2..place * 2 + 2).ok_or_else(refused)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| refused())?;
        }
        Ok(Self(bytes))
    }
}

/// How deep lists and objects are nested; 0 for a value without any.
pub fn json_depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(json_depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(json_depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The canonical bytes of a JSON value.
pub fn canonical_json(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

/// The number of bytes `canonical_json` would write.
pub fn canonical_len(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(flag) => 5 - usize::from(*flag),
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => json_text_len(text),
        Value::Array(items) => {
            let commas = items.len().saturating_sub(1);
            2 + commas + items.iter().map(canonical_len).sum::<usize>()
        }
        Value::Object(fields) => {
            let commas = fields.len().saturating_sub(1);
            let body =
                |(key, item): (&String, &Value)| json_text_len(key) + 1 + canonical_len(item);
            2 + commas + fields.iter().map(body).sum::<usize>()
        }
    }
}

/// The number of bytes of a text as JSON, quotes included.
pub fn json_text_len(text: &str) -> usize {
    let escaped = |byte: u8| match byte {
        b'"' | b'\\' | 8 | 9 | 10 | 12 | 13 => 2,
        0..=31 => 6,
        _ => 1,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Array(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            // Sorted here, and not by the map, because another crate may switch key order on.
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            out.push(b'{');
            for (place, (key, item)) in fields.into_iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_plain(&Value::String(key.clone()), out);
                out.push(b':');
                write(item, out);
            }
            out.push(b'}');
        }
        plain => write_plain(plain, out),
    }
}

fn write_plain(value: &Value, out: &mut Vec<u8>) {
    // INVARIANT: a JSON value without containers always serialises, and a Vec never refuses bytes.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;
    use serde_json::json;

    #[test]
    fn key_order_does_not_matter_and_length_is_right() {
        let one = json!({"b": [1, 2.5, null, true], "a": {"z": "q\"\n\u{1}é", "y": -3}});
        let two = json!({"a": {"y": -3, "z": "q\"\n\u{1}é"}, "b": [1, 2.5, null, true]});
        assert_eq!(canonical_json(&one), canonical_json(&two));
        assert_eq!(canonical_json(&one).len(), canonical_len(&one));
        assert_eq!(Hash::of_json(&one), Hash::of_json(&two));
    }

    #[test]
    fn a_hash_reads_back_and_rubbish_is_refused() {
        let hash = Hash::of(b"x");
        assert_eq!(Hash::try_from(hash.to_hex()), Ok(hash));
        for bad in ["", "zz", &"g".repeat(64), &"é".repeat(32)] {
            assert!(Hash::try_from((*bad).to_owned()).is_err());
        }
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(
            Hash::of_parts(&[b"ab", b"c"]),
            Hash::of_parts(&[b"a", b"bc"])
        );
    }
}
