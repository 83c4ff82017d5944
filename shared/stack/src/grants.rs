//! What a role may do, against what the template lets it do.

use crate::compare::Finding;
use crate::expected::plain;
use serde_json::Value;

/// One action on one resource, under one condition.
type Grant = (String, String, Value);

fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    }
}

/// What the policies of a role grant. What a statement cannot be told to be about is left out.
fn grants(properties: &Value) -> Vec<Grant> {
    let mut found = Vec::new();
    for policy in many(&properties["Policies"]) {
        for statement in many(&policy["PolicyDocument"]["Statement"]) {
            if statement["Effect"] != "Allow" {
                continue;
            }
            for action in many(&statement["Action"]) {
                for resource in many(&statement["Resource"])
                    .into_iter()
                    .filter(|one| !one.is_null())
                {
                    found.push((
                        plain(action),
                        plain(resource),
                        statement["Condition"].clone(),
                    ));
                }
            }
        }
    }
    found
}

/// Names each permission that is missing, and each that is too much.
pub(crate) fn role(name: &str, wanted: &Value, found: &Value, findings: &mut Vec<Finding>) {
    let (wants, has) = (grants(wanted), grants(found));
    for (action, resource, _) in wants.iter().filter(|one| !has.contains(one)) {
        let text = format!("is missing: the template lets the role do it on `{resource}`");
        findings.push(Finding::new(name, action, text));
    }
    for (action, resource, _) in has.iter().filter(|one| !wants.contains(one)) {
        let text = format!("is too much: the template does not let the role do it on `{resource}`");
        findings.push(Finding::new(name, action, text));
    }
    for policy in many(&found["ManagedPolicyArns"]) {
        let text = format!(
            "`{}` is attached; the template attaches none",
            plain(policy)
        );
        findings.push(Finding::new(name, "ManagedPolicyArns", text));
    }
    let bound = |properties: &Value| plain(&properties["PermissionsBoundary"]);
    if bound(wanted) != bound(found) {
        let text = format!(
            "is `{}`; the template has `{}`",
            bound(found),
            bound(wanted)
        );
        findings.push(Finding::new(name, "PermissionsBoundary", text));
    }
}

#[cfg(test)]
mod tests {
    use super::role;
    use serde_json::{Value, json};

    fn policies(action: Value, resource: &str) -> Value {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
        json!({"Policies": [{"PolicyDocument": {"Statement": [statement]}}]})
    }

    fn found(wanted: &Value, found: &Value) -> Vec<String> {
        let mut findings = Vec::new();
        role("R", wanted, found, &mut findings);
        findings
            .into_iter()
            .map(|one| format!("{} {}", one.setting, one.text))
            .collect()
    }

    #[test]
    fn each_permission_that_is_missing_or_too_much_is_named() {
        let wanted = policies(json!(["a:A", "a:B"]), "x");
        assert_eq!(
            found(&wanted, &policies(json!(["a:B", "a:A"]), "x")),
            [""; 0]
        );
        let one = found(&wanted, &policies(json!("a:A"), "x"));
        assert_eq!(
            one,
            ["a:B is missing: the template lets the role do it on `x`"]
        );
        let one = found(&wanted, &policies(json!(["a:A", "a:B", "a:C"]), "x"));
        assert_eq!(
            one,
            ["a:C is too much: the template does not let the role do it on `x`"]
        );
        assert_eq!(
            found(&wanted, &policies(json!(["a:A", "a:B"]), "y")).len(),
            4
        );
    }

    #[test]
    fn a_boundary_and_foreign_policies_are_noticed() {
        let wanted = json!({"PermissionsBoundary": "p"});
        assert_eq!(found(&wanted, &wanted), [""; 0]);
        let one = found(
            &wanted,
            &json!({"PermissionsBoundary": null, "ManagedPolicyArns": ["q"]}),
        );
        assert_eq!(one.len(), 2, "{one:?}");
    }
}
