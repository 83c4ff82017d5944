//! The forms in which a declared secret may turn up in a text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The value itself, as JSON writes it, as a URL writes it, and in base64, alone or inside a longer
/// text, as in the header of basic authentication. Without duplicates.
pub(crate) fn forms(value: &str) -> Vec<String> {
    let escaped = serde_json::Value::from(value).to_string();
    let quoted = escaped
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let upper = utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    let mut forms = vec![
        value.to_owned(),
        quoted.unwrap_or(value).to_owned(),
        // The marks that URLs need not escape: RFC 3986, section 2.3.
        unreserved(&upper),
        unreserved(&upper).replace("%20", "+"),
        lower_escapes(&unreserved(&upper)),
        upper,
    ];
    for shift in 0..3 {
        forms.push(inner_base64(&STANDARD_NO_PAD, value, shift));
        forms.push(inner_base64(&URL_SAFE_NO_PAD, value, shift));
    }
    forms.sort();
    forms.dedup();
    forms
}

fn unreserved(escaped: &str) -> String {
    escaped
        .replace("%2D", "-")
        .replace("%2E", ".")
        .replace("%5F", "_")
        .replace("%7E", "~")
}

fn lower_escapes(escaped: &str) -> String {
    let mut left = 0;
    let lower = |letter: char| {
        left = if letter == '%' {
            2
        } else {
            i32::max(left - 1, -1)
        };
        if left >= 0 {
            letter.to_ascii_lowercase()
        } else {
            letter
        }
    };
    escaped.chars().map(lower).collect()
}

/// The characters of the base64 text that depend on the value alone, when `shift` bytes modulo 3
/// stand before it: RFC 4648 writes 3 bytes as 4 characters, so a neighbour changes the edges only.
fn inner_base64(engine: &impl Engine, value: &str, shift: usize) -> String {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(value.as_bytes());
    let encoded = engine.encode(&bytes);
    let head = [0, 2, 3].get(shift).copied().unwrap_or(0);
    let whole = bytes.len() * 8 / 6;
    encoded.get(head..whole).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn base64_of_a_longer_text_holds_one_of_the_forms() {
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}s3cr?t>~value{after}"));
                let held = forms("s3cr?t>~value")
                    .iter()
                    .any(|form| text.contains(form.as_str()));
                assert!(held, "{before}|{after}: {text}");
            }
        }
    }

    #[test]
    fn urls_and_json_hold_one_of_the_forms() {
        let forms = forms("a b/c\"d-E");
        for text in [
            "a b/c\"d-E",
            "a b/c\\\"d-E",
            "a%20b%2Fc%22d-E",
            "a%20b%2fc%22d-E",
            "a+b%2Fc%22d-E",
        ] {
            assert!(forms.contains(&text.to_owned()), "{text}: {forms:?}");
        }
    }
}
