//! Pieces of lines: values, durations, tables. What came from outside is made harmless here.

use lattice_journal::ValueRef;
use lattice_model::limits::PREVIEW_CHARS_MAX;
use serde_json::Value;

/// The text without what a terminal would obey: a model must not move the cursor.
pub fn clean(text: &str) -> String {
    let harmless = |letter: char| match letter {
        '\n' | '\t' => letter,
        letter if letter.is_control() => '\u{fffd}',
        // Marks that reverse the direction of writing can make a line say something else.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        letter => letter,
    };
    text.chars().map(harmless).collect()
}

/// The text on one line, cut to so many characters.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = clean(&line);
    match line.char_indices().nth(chars_max) {
        None => line,
        Some(_) => {
            let kept: String = line.chars().take(chars_max.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// A value in a few words.
pub fn preview(value: &ValueRef) -> String {
    match value {
        ValueRef::Inline(value) => one_line(&compact(value), PREVIEW_CHARS_MAX),
        ValueRef::Blob { bytes, .. } => format!("({} KB)", bytes / 1024),
    }
}

/// A value on as many lines as it needs.
pub fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => clean(text),
        other => clean(&serde_json::to_string_pretty(other).unwrap_or_default()),
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A duration as people say it.
pub fn duration(ms: u64) -> String {
    let tenths = |ms: u64, unit: u64| format!("{}.{}", ms / unit, ms % unit * 10 / unit);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{} s", tenths(ms, 1_000)),
        60_000..3_600_000 => format!("{} min", tenths(ms, 60_000)),
        3_600_000..86_400_000 => format!("{} h", tenths(ms, 3_600_000)),
        _ => format!("{} days", tenths(ms, 86_400_000)),
    }
}

/// The text as one word of a shell.
pub fn shell_word(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", clean(text).replace('\'', r"'\''"))
}

/// Rows under one another; the last column is as wide as it likes.
pub fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_nothing_by_a_value() {
        let value = serde_json::json!("red \u{1b}[31m\u{202e}alert\r\n\n done");
        let (value, _) = ValueRef::of(value);
        assert_eq!(preview(&value), "red \u{fffd}[31m\u{fffd}alert done");
    }

    #[test]
    fn a_preview_is_cut_at_its_limit() {
        let of = |count: usize| {
            one_line(&"é".repeat(count), PREVIEW_CHARS_MAX)
                .chars()
                .count()
        };
        assert_eq!((of(PREVIEW_CHARS_MAX), of(PREVIEW_CHARS_MAX + 1)), (60, 60));
        assert!(one_line(&"é".repeat(61), 60).ends_with('…'));
    }

    #[test]
    fn durations_and_words() {
        for (ms, said) in [
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (90_000, "1.5 min"),
            (5_400_000, "1.5 h"),
            (172_800_000, "2.0 days"),
        ] {
            assert_eq!(duration(ms), said);
        }
        assert_eq!(shell_word("Approve"), "Approve");
        assert_eq!(shell_word("it's $HOME"), r"'it'\''s $HOME'");
    }
}
