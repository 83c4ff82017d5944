//! The examples of this repository, for the page to offer.

use serde_json::{Value, json};

macro_rules! example {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../../../examples/", $name, ".json")),
            include_str!(concat!("../../../../examples/", $name, ".input.json")),
        )
    };
}
/// Documents and inputs.
const EXAMPLES: &[(&str, &str, &str)] = &[
    example!("release-notes"),
    example!("support-triage"),
    example!("incident-summary"),
    example!("invoice-check"),
    example!("meeting-follow-up"),
    example!("issue-intake"),
    example!("monday-plan"),
    example!("review-digest"),
    example!("contract-review"),
];

/// All of them as one JSON list.
pub fn json() -> String {
    let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let example = |(name, document, input): &(&str, &str, &str)| json!({ "name": name, "document": parse(document), "input": parse(input) });
    EXAMPLES.iter().map(example).collect::<Value>().to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use std::path::Path;

    #[test]
    fn every_example_of_the_repository_is_offered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let names = std::fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut there: Vec<String> = names
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .filter(|name| !name.contains('.'))
            .collect();
        let offered: Value = serde_json::from_str(&json()).unwrap();
        let named = |one: &Value| one["name"].as_str().unwrap().to_owned();
        let mut offered: Vec<String> = offered.as_array().unwrap().iter().map(named).collect();
        there.sort();
        offered.sort();
        assert_eq!(there, offered);
        assert!(!json().contains("null,\"input\""));
    }
}
