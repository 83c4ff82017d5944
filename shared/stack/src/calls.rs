//! Calls that a function was seen to make, against what its role grants. A local engine lets everybody
//! do everything, so whoever counts calls there asks here.

use serde_json::Value;

/// Calls, as `service.Operation`, that the role of the function (`step`) does not grant.
pub fn ungranted<'a>(
    template: &Value,
    function: &str,
    calls: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let granted = actions(template, function);
    let missing = |call: &&str| !granted.contains(&action(call));
    calls
        .into_iter()
        .filter(missing)
        .map(str::to_owned)
        .collect()
}

/// The permission that a call needs. A transaction needs those of what is in it; ours all write.
fn action(call: &str) -> String {
    let (service, operation) = call.split_once('.').unwrap_or((call, ""));
    let operation = match operation {
        "TransactWriteItems" => "PutItem",
        "HeadObject" => "GetObject",
        other => other.strip_suffix("Batch").unwrap_or(other),
    };
    format!("{service}:{operation}")
}

fn actions(template: &Value, function: &str) -> Vec<String> {
    let mut letters = function.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let role: String = first
        .into_iter()
        .chain(letters)
        .chain("Role".chars())
        .collect();
    let policies = template["Resources"][&role]["Properties"]["Policies"].as_array();
    let statements = policies
        .into_iter()
        .flatten()
        .filter_map(|policy| policy["PolicyDocument"]["Statement"].as_array())
        .flatten();
    statements
        .flat_map(|statement| statement["Action"].as_array().into_iter().flatten())
        .filter_map(|action| action.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::ungranted;
    use crate::expected::template;

    #[test]
    fn a_call_that_no_statement_grants_is_named() {
        let template = template().unwrap();
        let calls = [
            "dynamodb.PutItem",
            "dynamodb.TransactWriteItems",
            "sqs.SendMessageBatch",
            "s3.GetObject",
        ];
        assert_eq!(ungranted(&template, "step", calls), [""; 0]);
        assert_eq!(
            ungranted(&template, "step", ["dynamodb.Scan"]),
            ["dynamodb.Scan"]
        );
        assert_eq!(
            ungranted(&template, "stream", calls),
            [
                "dynamodb.PutItem",
                "dynamodb.TransactWriteItems",
                "sqs.SendMessageBatch"
            ]
        );
        assert_eq!(
            ungranted(&template, "compile", ["dynamodb.PutItem"]).len(),
            1
        );
        assert_eq!(ungranted(&template, "nothing", ["s3.GetObject"]).len(), 1);
    }
}
