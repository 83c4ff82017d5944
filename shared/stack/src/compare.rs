//! The differences between what the template says and what is there.

use crate::expected::{Expected, plain};
use crate::facts::Facts;
use crate::grants;
use serde::Serialize;
use serde_json::Value;

/// Something that is not as the template has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The resource, by its name in the template.
    pub resource: String,
    /// The setting or the permission.
    pub setting: String,
    /// What is wrong with it.
    pub text: String,
}

/// What came of a comparison.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many resources were looked for.
    pub resources: usize,
    /// How many of them were asked for their settings.
    pub asked: usize,
    /// Everything that is not as the template has it.
    pub findings: Vec<Finding>,
}

impl Finding {
    pub(crate) fn new(resource: &str, setting: &str, text: impl Into<String>) -> Self {
        Self {
            resource: resource.to_owned(),
            setting: setting.to_owned(),
            text: text.into(),
        }
    }
}

/// Compares a stack with the template.
pub fn compare(template: &Value, facts: &Facts) -> Report {
    let mut report = Report::default();
    for (name, kind, wanted) in Expected::new(template, facts).resources() {
        report.resources += 1;
        let Some(one) = facts.resources.get(name) else {
            report
                .findings
                .push(Finding::new(name, kind, "is not there"));
            continue;
        };
        if one.properties.is_null() {
            continue;
        }
        report.asked += 1;
        match kind {
            "AWS::IAM::Role" => grants::role(name, &wanted, &one.properties, &mut report.findings),
            _ => settings(name, "", &wanted, &one.properties, &mut report.findings),
        }
    }
    report.findings.sort();
    report
}

/// What is asked of a resource is what its own answer has names for; a name that the answer has with
/// `Null` was asked for and is not set.
fn settings(name: &str, path: &str, wanted: &Value, found: &Value, findings: &mut Vec<Finding>) {
    match (wanted, found) {
        (Value::Object(wanted), Value::Object(found)) => {
            for (key, wanted) in wanted {
                let path = format!("{path}{}{key}", if path.is_empty() { "" } else { "." });
                match found.get(key) {
                    Some(found) => settings(name, &path, wanted, found, findings),
                    None if is_asked(&path) => {
                        let text = format!("is not set; the template has `{}`", plain(wanted));
                        findings.push(Finding::new(name, &path, text));
                    }
                    None => {}
                }
            }
        }
        (Value::Array(wanted), Value::Array(found)) => {
            for one in wanted {
                if !found.iter().any(|other| same(one, other)) {
                    findings.push(Finding::new(name, path, format!("lacks `{}`", plain(one))));
                }
            }
        }
        (wanted, Value::Null) => {
            let text = format!("is not set; the template has `{}`", plain(wanted));
            findings.push(Finding::new(name, path, text));
        }
        (wanted, found) if plain(wanted) != plain(found) => {
            let text = format!(
                "is `{}`; the template has `{}`",
                plain(found),
                plain(wanted)
            );
            findings.push(Finding::new(name, path, text));
        }
        _ => {}
    }
}

/// Below these, every name of the template has to be there.
fn is_asked(path: &str) -> bool {
    path.starts_with("Environment.Variables.")
}

/// Whether what is wanted is there; more may be there.
fn same(wanted: &Value, found: &Value) -> bool {
    let mut findings = Vec::new();
    match (wanted, found) {
        (Value::Object(map), Value::Object(other)) => {
            let named = map.keys().all(|key| other.contains_key(key));
            settings("", "", wanted, found, &mut findings);
            named && findings.is_empty()
        }
        _ => plain(wanted) == plain(found),
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, settings};
    use serde_json::{Value, json};

    fn found(wanted: Value, found: Value) -> Vec<(String, String)> {
        let mut findings: Vec<Finding> = Vec::new();
        settings("Q", "", &wanted, &found, &mut findings);
        findings
            .into_iter()
            .map(|one| (one.setting, one.text))
            .collect()
    }

    #[test]
    fn a_setting_is_compared_when_it_was_asked_for() {
        assert_eq!(found(json!({"A": 5400, "B": 1}), json!({"A": "5400"})), []);
        let one = found(json!({"A": {"B": 5400}}), json!({"A": {"B": 30, "C": 1}}));
        assert_eq!(
            one,
            [(
                "A.B".to_owned(),
                "is `30`; the template has `5400`".to_owned()
            )]
        );
        let one = found(json!({"A": true}), json!({"A": null}));
        assert_eq!(
            one,
            [(
                "A".to_owned(),
                "is not set; the template has `true`".to_owned()
            )]
        );
    }

    #[test]
    fn a_variable_that_is_missing_is_named() {
        let wanted = json!({"Environment": {"Variables": {"X": "1", "Y": "2"}}});
        let one = found(
            wanted,
            json!({"Environment": {"Variables": {"X": "1", "Z": "3"}}}),
        );
        let text = "is not set; the template has `2`".to_owned();
        assert_eq!(one, [("Environment.Variables.Y".to_owned(), text)]);
    }

    #[test]
    fn a_list_holds_at_least_what_is_wanted() {
        let wanted = json!({"L": ["a", {"n": "x", "k": ["h"]}]});
        assert_eq!(
            found(
                wanted.clone(),
                json!({"L": [{"n": "x", "k": ["h"], "more": 1}, "a", "b"]})
            ),
            []
        );
        let one = found(wanted, json!({"L": ["a", {"n": "y", "k": ["h"]}]}));
        assert_eq!(one.len(), 1, "{one:?}");
    }
}
