//! What checkov complains about although it is meant so, each with its reason.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// A reason shorter than this is none.
const REASON_CHARS_MIN: usize = 40;

/// A complaint that is meant so.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The check's number.
    pub check: String,
    /// The resources, each as `Type.LogicalId`.
    pub resources: Vec<String>,
    /// Why it is meant so.
    pub reason: String,
}

/// Compares a report with the exceptions: a complaint without one is wrong, and so is an exception
/// without a complaint or without a reason.
pub fn compare(report: &Value, allowed: &[Exception]) -> Result<String, String> {
    let failed = failures(report)?;
    let excepted: BTreeSet<(String, String)> = allowed
        .iter()
        .flat_map(|one| {
            one.resources
                .iter()
                .map(|resource| (one.check.clone(), resource.clone()))
        })
        .collect();
    let complains = failed
        .difference(&excepted)
        .map(|(check, resource)| format!("{check} at `{resource}` has no exception"));
    let idle = excepted
        .difference(&failed)
        .map(|(check, resource)| format!("the exception {check} at `{resource}` matches nothing"));
    let bare = allowed
        .iter()
        .filter(|one| one.reason.chars().count() < REASON_CHARS_MIN)
        .map(|one| format!("the exception {} has no reason", one.check));
    let wrong: Vec<String> = complains.chain(idle).chain(bare).collect();
    let passed = report["summary"]["passed"].as_u64().unwrap_or_default();
    match wrong.is_empty() && passed > 0 {
        true => Ok(format!(
            "{passed} passed, {} meant so, by {} reasons",
            failed.len(),
            allowed.len()
        )),
        false => Err(wrong.join("\n")),
    }
}

fn failures(report: &Value) -> Result<BTreeSet<(String, String)>, String> {
    let list = report["results"]["failed_checks"].as_array();
    let list = list.ok_or("the report of checkov has no list of failed checks")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let pairs = list
        .iter()
        .map(|one| (text(&one["check_id"]), text(&one["resource"])));
    Ok(pairs.collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{Exception, compare};
    use serde_json::{Value, json};

    fn report(failed: &[&str]) -> Value {
        let failed: Vec<Value> = failed
            .iter()
            .map(|resource| json!({"check_id": "C1", "resource": resource}))
            .collect();
        json!({"summary": {"passed": 3}, "results": {"failed_checks": failed}})
    }

    fn exception(resource: &str, reason: &str) -> Exception {
        let (check, resources) = ("C1".to_owned(), vec![resource.to_owned()]);
        Exception {
            check,
            resources,
            reason: reason.to_owned(),
        }
    }

    const REASON: &str =
        "this is meant so, since the account does it for all of its buckets at once";

    #[test]
    fn complaints_and_exceptions_have_to_be_the_same() {
        assert!(compare(&report(&["B.x"]), &[exception("B.x", REASON)]).is_ok());
        let error = compare(&report(&["B.x", "B.y"]), &[exception("B.x", REASON)]).unwrap_err();
        assert_eq!(error, "C1 at `B.y` has no exception");
        let error = compare(&report(&[]), &[exception("B.x", REASON)]).unwrap_err();
        assert_eq!(error, "the exception C1 at `B.x` matches nothing");
        let error = compare(&report(&["B.x"]), &[exception("B.x", "so")]).unwrap_err();
        assert_eq!(error, "the exception C1 has no reason");
        assert!(compare(&json!({}), &[]).is_err());
    }
}
