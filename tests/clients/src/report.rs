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
    /// What the client is known to make of it, and where that is said. It is shown, and is no match.
    pub known: Option<(String, &'static str)>,
}

impl Row {
    fn verdict(&self) -> &'static str {
        match &self.seen {
            None => "not observable",
            Some(seen) if *seen == self.meant => "seen",
            Some(seen) if self.known.as_ref().is_some_and(|(known, _)| known == seen) => "known",
            Some(_) => "mismatch",
        }
    }
}

/// Everything that was compared with one client.
pub struct Sheet {
    pub client: &'static str,
    pub version: String,
    pub rows: Vec<Row>,
    /// How many documents were exported.
    pub exported: usize,
    /// Documents that our export refuses, and why.
    pub refused: Vec<(String, String)>,
}

impl Sheet {
    /// An empty one.
    pub fn new(client: &'static str, version: String) -> Self {
        Self {
            client,
            version,
            rows: Vec::new(),
            exported: 0,
            refused: Vec::new(),
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
        self.push(artefact, field, meant, seen, None);
    }

    /// Adds a field that the client is known to change to this.
    pub fn changed(
        &mut self,
        artefact: &str,
        field: &'static str,
        meant: &str,
        seen: Option<String>,
        known: (String, &'static str),
    ) {
        self.push(
            artefact.to_owned(),
            field,
            meant.to_owned(),
            seen,
            Some(known),
        );
    }

    fn push(
        &mut self,
        artefact: String,
        field: &'static str,
        meant: String,
        seen: Option<String>,
        known: Option<(String, &'static str)>,
    ) {
        self.rows.push(Row {
            client: self.client,
            artefact,
            field,
            meant,
            seen,
            known,
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
    let mut text = "| client | version | documents | artefacts | fields seen | mismatches | known changes | not observable |\n\
        |---|---|---|---|---|---|---|---|\n"
        .to_owned();
    // Writing to a `String` does not fail.
    for sheet in sheets {
        let (seen, wrong) = (sheet.count("seen"), sheet.count("mismatch"));
        let known = sheet.count("known");
        let (hidden, artefacts) = (sheet.count("not observable"), sheet.artefacts());
        let (client, version, documents) = (sheet.client, &sheet.version, sheet.exported);
        let _ = writeln!(
            text,
            "| {client} | {version} | {documents} | {artefacts} | {seen} | {wrong} | {known} | {hidden} |"
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
    for row in rows().filter(|row| row.verdict() == "known") {
        if let Some((seen, why)) = &row.known {
            let (client, artefact, field) = (row.client, &row.artefact, row.field);
            let _ = write!(
                text,
                "\nknown change: {client}, {artefact}, {field}: {why}\n  meant {:?}\n  seen  {seen:?}\n",
                row.meant
            );
        }
    }
    let mut hidden: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for row in rows().filter(|row| row.verdict() == "not observable") {
        *hidden.entry((row.client, row.field)).or_default() += 1;
    }
    for sheet in sheets {
        for (name, why) in &sheet.refused {
            let _ = write!(text, "\nnot exported: {}, {name}: {why}", sheet.client);
        }
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
        |sheet| json!({"client": sheet.client, "version": sheet.version, "refused": sheet.refused, "fields": rows(sheet)}),
    );
    json!({"clients": clients.collect::<Vec<_>>(), "faults": faults})
}

#[cfg(test)]
mod tests {
    use super::{Sheet, text};

    #[test]
    fn a_known_change_is_no_match_and_no_other_change_is_known() {
        let mut sheet = Sheet::new("codex", "1".to_owned());
        let known = || ("a, b".to_owned(), "it adds b");
        sheet.changed("x", "tools", "a", Some("a, b".to_owned()), known());
        sheet.changed("x", "tools", "a", Some("a, c".to_owned()), known());
        sheet.changed("x", "tools", "a", Some("a".to_owned()), known());
        assert_eq!(
            ["seen", "known", "mismatch"].map(|word| sheet.count(word)),
            [1; 3]
        );
    }

    #[test]
    fn what_a_client_cannot_say_is_no_match_and_what_differs_is_shown() {
        let mut sheet = Sheet::new("codex", "1".to_owned());
        sheet.field("x: agent a", "prompt", "p", None);
        sheet.field("x: agent a", "name", "a", Some("a".to_owned()));
        sheet.there("x: server s", "name", false);
        assert_eq!((sheet.count("seen"), sheet.count("mismatch")), (1, 1));
        assert_eq!(sheet.count("not observable"), 1);
        let text = text(&[sheet]);
        assert!(
            text.contains("| codex | 1 | 0 | 2 | 1 | 1 | 0 | 1 |"),
            "{text}"
        );
        assert!(text.contains("seen  \"missing\""), "{text}");
    }
}
