//! What was meant beside what a client saw, field by field.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One field of one artefact.
pub struct Row {
    pub client: &'static str,
    pub artefact: String,
    pub field: &'static str,
    pub meant: String,
    /// `None`: the client has no way to say it, which is never a match.
    pub seen: Option<String>,
}

impl Row {
    fn verdict(&self) -> &'static str {
        match &self.seen {
            None => "not observable",
            Some(seen) if *seen == self.meant => "seen",
            Some(_) => "mismatch",
        }
    }
}

/// Everything that was compared with one client.
pub struct Sheet {
    pub client: &'static str,
    pub version: String,
    pub rows: Vec<Row>,
}

impl Sheet {
    /// An empty one.
    pub fn new(client: &'static str, version: String) -> Self {
        Self {
            client,
            version,
            rows: Vec::new(),
        }
    }

    /// Adds a field.
    pub fn field(
        &mut self,
        artefact: &str,
        field: &'static str,
        meant: &str,
        seen: Option<String>,
    ) {
        let (artefact, meant) = (artefact.to_owned(), meant.to_owned());
        self.rows.push(Row {
            client: self.client,
            artefact,
            field,
            meant,
            seen,
        });
    }

    /// Adds something that is there or not.
    pub fn there(&mut self, artefact: &str, field: &'static str, is_there: bool) {
        let seen = if is_there { "there" } else { "missing" };
        self.field(artefact, field, "there", Some(seen.to_owned()));
    }

    /// How many fields ended so.
    pub fn count(&self, verdict: &str) -> usize {
        self.rows
            .iter()
            .filter(|row| row.verdict() == verdict)
            .count()
    }

    fn artefacts(&self) -> usize {
        let names: std::collections::BTreeSet<_> =
            self.rows.iter().map(|row| &row.artefact).collect();
        names.len()
    }
}

/// The table for people: a line per client, then every mismatch, then what cannot be observed.
pub fn text(sheets: &[Sheet]) -> String {
    let mut text = "| client | version | artefacts | fields seen | mismatches | not observable |\n\
        |---|---|---|---|---|---|\n"
        .to_owned();
    // Writing to a `String` does not fail.
    for sheet in sheets {
        let (seen, wrong) = (sheet.count("seen"), sheet.count("mismatch"));
        let (hidden, artefacts) = (sheet.count("not observable"), sheet.artefacts());
        let (client, version) = (sheet.client, &sheet.version);
        let _ = writeln!(
            text,
            "| {client} | {version} | {artefacts} | {seen} | {wrong} | {hidden} |"
        );
    }
    let rows = || sheets.iter().flat_map(|sheet| &sheet.rows);
    for row in rows().filter(|row| row.verdict() == "mismatch") {
        let (client, artefact, field) = (row.client, &row.artefact, row.field);
        let seen = row.seen.as_deref().unwrap_or_default();
        let _ = write!(
            text,
            "\nmismatch: {client}, {artefact}, {field}:\n  meant {:?}\n  seen  {seen:?}\n",
            row.meant
        );
    }
    let mut hidden: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows().filter(|row| row.verdict() == "not observable") {
        *hidden.entry((row.client, row.field)).or_default() += 1;
    }
    text.push('\n');
    for ((client, field), count) in hidden {
        let _ = writeln!(text, "not observable: {client}, {field} ({count})");
    }
    text
}

/// The same for programs.
pub fn value(sheets: &[Sheet], faults: &Value) -> Value {
    let rows = |sheet: &Sheet| -> Vec<Value> {
        let rows = sheet.rows.iter().map(|row| {
            json!({"artefact": row.artefact, "field": row.field, "meant": row.meant, "seen": row.seen,
                "verdict": row.verdict()})
        });
        rows.collect()
    };
    let clients = sheets.iter().map(
        |sheet| json!({"client": sheet.client, "version": sheet.version, "fields": rows(sheet)}),
    );
    json!({"clients": clients.collect::<Vec<_>>(), "faults": faults})
}

#[cfg(test)]
mod tests {
    use super::{Sheet, text};

    #[test]
    fn what_a_client_cannot_say_is_no_match_and_what_differs_is_shown() {
        let mut sheet = Sheet::new("codex", "1".to_owned());
        sheet.field("x: agent a", "prompt", "p", None);
        sheet.field("x: agent a", "name", "a", Some("a".to_owned()));
        sheet.there("x: server s", "name", false);
        assert_eq!((sheet.count("seen"), sheet.count("mismatch")), (1, 1));
        assert_eq!(sheet.count("not observable"), 1);
        let text = text(&[sheet]);
        assert!(text.contains("| codex | 1 | 2 | 1 | 1 | 1 |"), "{text}");
        assert!(text.contains("seen  \"missing\""), "{text}");
    }
}
