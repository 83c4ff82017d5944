//! Names that every client and every file system takes.

/// Letters of a name.
pub const NAME_CHARS_MAX: usize = 64;

/// The text as `[a-z0-9-]`, 1 to `NAME_CHARS_MAX` long; empty if nothing is left of it.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars() {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == NAME_CHARS_MAX {
            break;
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// The name of a server or a tool as clients put it into longer names: other letters become `_`.
pub fn plain(text: &str) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
        _ => '_',
    };
    text.chars().map(letter).collect()
}

/// Whether a letter is not shown and turns what is shown around it: the text would not be what it looks
/// like (Unicode Technical Report 36, section 2.6).
fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line without control characters, at most `max` characters long.
pub fn line(text: &str, max: usize) -> String {
    let is_hidden = |letter: char| turns(letter) || matches!(letter, '\u{200b}' | '\u{feff}');
    let shown = |letter: char| match letter.is_control() || is_hidden(letter) {
        true => ' ',
        false => letter,
    };
    let text: String = text.chars().map(shown).collect();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= max {
        return text;
    }
    let kept: String = text.chars().take(max.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

/// The text without control characters but line breaks and tabs.
pub fn clean(text: &str) -> String {
    let shown = |letter: char| match letter {
        '\n' | '\t' => letter,
        _ if letter.is_control() || turns(letter) => char::REPLACEMENT_CHARACTER,
        _ => letter,
    };
    text.replace("\r\n", "\n").chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_letters_digits_and_dashes() {
        for (text, is) in [
            ("Say: \"hi\"", "say-hi"),
            ("  A__b  ", "a-b"),
            ("\u{1f680}", ""),
            ("\u{5e9}\u{5dc}\u{5d5}\u{5dd} 2", "2"),
            ("news_briefing", "news-briefing"),
        ] {
            assert_eq!(slug(text), is, "{text}");
        }
        assert_eq!(slug(&"x".repeat(200)).len(), NAME_CHARS_MAX);
        let dashes = format!("{}-{}", "x".repeat(NAME_CHARS_MAX - 1), "y");
        assert_eq!(slug(&dashes).len(), NAME_CHARS_MAX - 1);
    }

    #[test]
    fn lines_are_one_line() {
        assert_eq!(line("a\n---\u{7}b", 20), "a --- b");
        assert_eq!(line("abcdefghij", 6), "abc...");
    }
}
