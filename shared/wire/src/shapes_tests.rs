//! Shapes as they are written and read.
use super::*;

#[test]
fn a_key_is_printable_and_bounded() {
    let longest = "k".repeat(KEY_CHARS_MAX);
    for good in ["k", "a b", "~", longest.as_str()] {
        assert!(is_key(good), "{good}");
    }
    let long = "k".repeat(KEY_CHARS_MAX + 1);
    for wrong in ["", " k", "k ", "ä", "a\nb", long.as_str()] {
        assert!(!is_key(wrong), "{wrong}");
    }
}
