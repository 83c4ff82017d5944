//! Files as values: front matter with a text below it, JSON with comments, TOML.

use crate::tree::{Map, Tree};

/// A file of Markdown with fields at its head.
#[derive(Debug, PartialEq)]
pub struct Page {
    pub fields: Map,
    /// The text below, without blank lines around it.
    pub body: String,
    /// The fields whose values were no YAML and were read as plain texts.
    pub mended: Vec<String>,
}

/// The text of a file, without a mark of the byte order, its lines ended by `\n`.
///
/// # Errors
/// It is no UTF-8.
pub fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("it is no UTF-8 behind byte {}", error.valid_up_to()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    Ok(text.replace("\r\n", "\n"))
}

/// Reads a page. One without a head has no fields.
///
/// # Errors
/// What is wrong with the head, and where.
pub fn page(text: &str) -> Result<Page, String> {
    let Some(rest) = text.strip_prefix("---\n") else {
        return Ok(Page {
            fields: Vec::new(),
            body: text.trim().to_owned(),
            mended: Vec::new(),
        });
    };
    let mut length = 0;
    let mut body = None;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            body = rest.get(length + line.len()..);
            break;
        }
        length += line.len();
    }
    let body = body.ok_or("the line `---` is missing that ends the fields at its head")?;
    let head = rest.get(..length).unwrap_or_default();
    let (fields, mended) = match yaml(head) {
        Ok(fields) => (fields, Vec::new()),
        Err(error) => {
            let (head, mended) = quoted(head);
            (yaml(&head).map_err(|_| error)?, mended)
        }
    };
    Ok(Page {
        fields,
        body: body.trim().to_owned(),
        mended,
    })
}

fn yaml(head: &str) -> Result<Map, String> {
    // INVARIANT: the library bounds depth, nodes and repeats of anchors by itself.
    match serde_saphyr::from_str(head) {
        Ok(Tree::Map(fields)) => Ok(fields),
        Ok(Tree::Null) => Ok(Vec::new()),
        Ok(other) => Err(format!("its head holds {} and no fields", other.kind())),
        Err(error) => {
            // Line 1 of the file is the line that opens the head. The snippet would show the file.
            let line = error.location().map_or(0, |place| place.line()) + 1;
            let said = error.without_snippet().to_string();
            let said = said.lines().next().unwrap_or_default();
            Err(format!("its head is no YAML: line {line}: {said}"))
        }
    }
}

/// The head with the plain texts of its outermost fields in quotes, and the fields: people write
/// `description: Use it when: ..`, which is no YAML and which some clients read.
fn quoted(head: &str) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut fields = Vec::new();
    for line in head.lines() {
        let is_key = |key: &str| {
            let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
            !key.is_empty() && key.chars().all(is_letter)
        };
        let field = line.split_once(": ").filter(|(key, _)| is_key(key));
        let plain = field.map(|(key, value)| (key, value.trim()));
        let is_broken =
            |value: &str| value.contains(": ") || value.contains(" #") || value.ends_with(':');
        let is_plain = |value: &str| !value.starts_with(['"', '\'', '[', '{', '|', '>', '&', '*']);
        match plain.filter(|(_, value)| is_plain(value) && is_broken(value)) {
            Some((key, value)) => {
                text.push_str(&format!("{key}: {}\n", serde_json::Value::from(value)));
                fields.push(key.to_owned());
            }
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    (text, fields)
}

/// Reads JSON in which comments and commas behind the last item may stand.
///
/// # Errors
/// What is wrong, and where.
pub fn json(text: &str) -> Result<Map, String> {
    let mut text = text.to_owned();
    json_strip_comments::strip(&mut text).map_err(|error| format!("it is no JSON: {error}"))?;
    match serde_json::from_str(&text) {
        Ok(Tree::Map(fields)) => Ok(fields),
        Ok(other) => Err(format!("it holds {} and no table", other.kind())),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

/// Reads TOML.
///
/// # Errors
/// What is wrong, and where.
pub fn toml(text: &str) -> Result<Map, String> {
    match toml::from_str(text) {
        Ok(Tree::Map(fields)) => Ok(fields),
        Ok(other) => Err(format!("it holds {} and no table", other.kind())),
        Err(error) => {
            let before = error.span().and_then(|span| text.get(..span.start));
            let line = before.map_or(0, |before| before.matches('\n').count()) + 1;
            Err(format!("it is no TOML: line {line}: {}", error.message()))
        }
    }
}
