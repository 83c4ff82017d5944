//! Front matter that every reader of YAML reads alike: block style, every text in double quotes.

use std::fmt::Write as _;

/// A value of the front matter.
#[derive(Debug, Clone, PartialEq)]
pub enum Yaml {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// Any number.
    Fraction(f64),
    /// A list of texts.
    List(Vec<String>),
    /// Texts by name, in this order; or texts by name by name.
    Map(Vec<(String, Entry)>),
}

/// An entry of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text.
    Text(String),
    /// Texts by name, in this order.
    Map(Vec<(String, String)>),
}

/// The front matter and the text below it.
pub fn page(fields: &[(&str, Yaml)], body: &str) -> Vec<u8> {
    let mut text = "---\n".to_owned();
    for (key, value) in fields {
        field(&mut text, key, value);
    }
    // Writing to a `String` does not fail.
    let _ = write!(text, "---\n\n{}\n", body.trim());
    text.into_bytes()
}

fn field(text: &mut String, key: &str, value: &Yaml) {
    let _ = match value {
        Yaml::Text(value) => writeln!(text, "{key}: {}", quoted(value)),
        Yaml::Number(value) => writeln!(text, "{key}: {value}"),
        Yaml::Fraction(value) => writeln!(text, "{key}: {value}"),
        Yaml::List(items) if items.is_empty() => writeln!(text, "{key}: []"),
        Yaml::Map(items) if items.is_empty() => writeln!(text, "{key}: {{}}"),
        Yaml::List(items) => {
            let _ = writeln!(text, "{key}:");
            items
                .iter()
                .try_for_each(|item| writeln!(text, "  - {}", quoted(item)))
        }
        Yaml::Map(items) => {
            let _ = writeln!(text, "{key}:");
            let mut items = items.iter();
            items.try_for_each(|(key, item)| match item {
                Entry::Text(item) => writeln!(text, "  {}: {}", quoted(key), quoted(item)),
                Entry::Map(inside) => {
                    let _ = writeln!(text, "  {}:", quoted(key));
                    let mut inside = inside.iter();
                    inside.try_for_each(|(key, item)| {
                        writeln!(text, "    {}: {}", quoted(key), quoted(item))
                    })
                }
            })
        }
    };
}

/// A text in double quotes: JSON's form, escaped further. Claude Code ends the front matter at the first
/// three dashes, wherever they stand (seen with 2.1.330).
fn quoted(text: &str) -> String {
    escaped(&serde_json::Value::from(text).to_string()).replace("---", "-\\u002d-")
}

/// JSON in which what YAML takes for a line break or refuses is escaped too, and what a terminal would
/// take for an order. Outside of strings JSON has none of these.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        match letter {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(escaped, "\\u{:04x}", letter as u32);
            }
            _ => escaped.push(letter),
        }
    }
    escaped
}
