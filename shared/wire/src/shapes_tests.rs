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

#[test]
fn the_place_of_a_fork_is_a_whole_number_however_it_is_written() {
    let at = |text: &str| serde_json::from_str::<ForkBody>(&format!("{{\"at\": {text}}}")).ok();
    for (text, place) in [
        ("4", 4),
        ("4.0", 4),
        ("0", 0),
        ("9007199254740991.0", (1 << 53) - 1),
    ] {
        let read = at(text).and_then(|body| body.at);
        assert_eq!(read.map(Seq::get), Some(place), "{text}");
    }
    assert_eq!(at("null").map(|body| body.at), Some(None));
    for wrong in [
        "4.5",
        "-1",
        "-1.0",
        "9007199254740992",
        "1e300",
        "\"4\"",
        "true",
    ] {
        assert!(at(wrong).is_none(), "{wrong}");
    }
}
