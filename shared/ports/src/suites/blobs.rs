//! Blobs: a name is the hash of what it names.

use crate::{Blobs, PortError};
use lattice_model::Hash;
use lattice_model::limits::VALUE_BYTES_MAX;
use serde_json::{Value, json};
use std::sync::Arc;

/// A value is read back; putting it again is harmless.
pub async fn a_blob_is_read_back(blobs: impl Blobs) {
    let values = [
        json!({"b": [1, -2.5e300, null], "a": "é\u{0}\n"}),
        json!(""),
        json!(null),
    ];
    for value in values.map(Arc::new) {
        let hash = Hash::of_json(&value);
        for _ in 0..2 {
            blobs.put_blob(hash, Arc::clone(&value)).await.unwrap();
            assert_eq!(blobs.blob(hash).await.unwrap(), value);
        }
    }
}

/// A value under the hash of another is refused, and not stored.
pub async fn a_blob_under_a_wrong_name_is_refused(blobs: impl Blobs) {
    let wrong = Hash::of_json(&json!(1));
    let error = blobs.put_blob(wrong, Arc::new(json!(2))).await.unwrap_err();
    assert!(matches!(error, PortError::Corrupt { .. }), "{error}");
    assert!(matches!(
        blobs.blob(wrong).await,
        Err(PortError::Missing { .. })
    ));
}

/// A hash that nothing is stored under comes back in the error.
pub async fn a_blob_that_is_not_there_is_named(blobs: impl Blobs) {
    let hash = Hash::of(b"nothing");
    let error = blobs.blob(hash).await.unwrap_err();
    assert!(matches!(error, PortError::Missing { .. }), "{error}");
    assert!(error.to_string().contains(&hash.to_hex()), "{error}");
}

/// The largest value that the system takes fits.
pub async fn a_blob_of_the_largest_size_is_kept(blobs: impl Blobs) {
    let value = Arc::new(Value::String("x".repeat(VALUE_BYTES_MAX - 2)));
    let hash = Hash::of_json(&value);
    blobs.put_blob(hash, Arc::clone(&value)).await.unwrap();
    assert_eq!(blobs.blob(hash).await.unwrap(), value);
}
