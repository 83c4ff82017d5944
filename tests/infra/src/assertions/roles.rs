//! Who may do what.

use super::{Assertion, Findings};
use crate::template::{Template, many, text_of, texts};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The actions of each service that the template names, as AWS publishes them.
const ACTIONS: &str = include_str!("../../../../infra/checks/actions.json");

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "role-actions-known",
        says: "every action that a policy names exists",
        look: known,
    },
    Assertion {
        name: "role-actions-named",
        says: "a role names its actions, each by itself",
        look: actions_named,
    },
    Assertion {
        name: "role-resources-named",
        says: "a role names what it may touch: this stack's own, never everything",
        look: resources_named,
    },
    Assertion {
        name: "role-boundary",
        says: "every role stands within the permissions boundary, if one is given",
        look: boundary,
    },
    Assertion {
        name: "role-trust",
        says: "a role is taken by one service, and by schedules only for this account",
        look: trust,
    },
    Assertion {
        name: "role-inline",
        says: "a role has no policy that somebody else writes",
        look: inline,
    },
    Assertion {
        name: "compile-reads-only",
        says: "the function that compiles and stores nothing reads, and writes nothing but logs",
        look: compile,
    },
    Assertion {
        name: "stream-reads-only",
        says: "the function that anybody can reach without the gateway may only read",
        look: stream,
    },
    Assertion {
        name: "no-function-deletes-data",
        says: "no function may delete or scan the table, or change it",
        look: no_table_admin,
    },
    Assertion {
        name: "pass-role-bounded",
        says: "only the role of schedules can be given away, and only to the scheduler",
        look: pass_role,
    },
    Assertion {
        name: "secrets-by-prefix",
        says: "only functions that need secrets read them, and only this stack's",
        look: secrets,
    },
];

fn catalogue() -> BTreeMap<String, Vec<String>> {
    serde_json::from_str(ACTIONS).unwrap_or_default()
}

/// Every action that any policy names, of roles, queues, topics, buckets and keys.
fn actions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|one| actions(one, found)),
        Value::Object(map) => {
            if map.contains_key("Effect") {
                found.extend(texts(&value["Action"]).into_iter().map(str::to_owned));
            }
            map.values().for_each(|one| actions(one, found));
        }
        _ => {}
    }
}

fn known(template: &Template, found: &mut Findings) {
    let catalogue = catalogue();
    for one in template.resources() {
        let mut named = Vec::new();
        actions(one.get("Policies"), &mut named);
        actions(one.get("PolicyDocument"), &mut named);
        actions(one.get("KeyPolicy"), &mut named);
        actions(one.get("AssumeRolePolicyDocument"), &mut named);
        for action in named {
            let (service, name) = action.split_once(':').unwrap_or((&action, ""));
            let of_service = catalogue.get(service);
            let exists =
                of_service.is_some_and(|all| name == "*" || all.iter().any(|one| one == name));
            found.check(
                &one,
                exists,
                &format!("names `{action}`, which AWS does not know"),
            );
        }
    }
}

fn actions_named(template: &Template, found: &mut Findings) {
    for grant in template.grants() {
        for action in grant.actions() {
            found.check(
                &grant.role,
                !action.contains('*'),
                &format!("may do `{action}`"),
            );
        }
        found.check(
            &grant.role,
            grant.statement["NotAction"].is_null(),
            "may do all but something",
        );
    }
}

/// A place that is named as far as it can be: behind a reference, or with the stack's name in it.
fn is_named(resource: &Value) -> bool {
    if resource["Ref"].is_string() || resource["Fn::GetAtt"].is_array() {
        return true;
    }
    let text = text_of(resource);
    let ours = [
        "${AWS::StackName}",
        "${ScheduleGroup}",
        "${Bucket.Arn}/",
        "${Table.Arn}/",
        "Function.Arn}",
    ];
    ours.iter().any(|word| text.contains(word)) && !text.contains("${Bucket.Arn}/*")
}

fn resources_named(template: &Template, found: &mut Findings) {
    for grant in template.grants() {
        let resources = grant.resources();
        let good = !resources.is_empty() && resources.iter().all(|one| is_named(one));
        let says = format!("may touch too much by `{}`", grant.statement["Sid"]);
        found.check(&grant.role, good, &says);
    }
}

fn boundary(template: &Template, found: &mut Findings) {
    let wanted = json!({"Fn::If": ["HasBoundary", {"Ref": "PermissionsBoundaryArn"}, {"Ref": "AWS::NoValue"}]});
    for one in template.roles() {
        found.check(
            &one,
            *one.get("PermissionsBoundary") == wanted,
            "stands outside the boundary",
        );
    }
}

fn trust(template: &Template, found: &mut Findings) {
    for one in template.roles() {
        let statements = many(&one.get("AssumeRolePolicyDocument")["Statement"]);
        let single = statements.len() == 1;
        for statement in statements {
            let services = texts(&statement["Principal"]["Service"]);
            let alone = services.len() == 1 && statement["Principal"]["AWS"].is_null();
            let account = statement["Condition"]["StringEquals"]["aws:SourceAccount"]["Ref"]
                == "AWS::AccountId";
            let bounded = services != ["scheduler.amazonaws.com"] || account;
            found.check(
                &one,
                single && alone && bounded,
                "can be taken by somebody else",
            );
        }
    }
}

fn inline(template: &Template, found: &mut Findings) {
    for one in template.roles() {
        found.check(
            &one,
            one.list("ManagedPolicyArns").is_empty(),
            "has a policy that somebody else writes",
        );
    }
}

fn only(template: &Template, found: &mut Findings, role: &str, allowed: &[&str]) {
    for grant in template.grants_of(role) {
        for action in grant.actions() {
            found.check(
                &grant.role,
                allowed.contains(&action),
                &format!("may do `{action}`"),
            );
        }
    }
}

fn compile(template: &Template, found: &mut Findings) {
    only(template, found, "CompileRole", &READS);
}

fn stream(template: &Template, found: &mut Findings) {
    only(template, found, "StreamRole", &READS);
}

/// What a function may do that only reads.
const READS: [&str; 7] = [
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "dynamodb:GetItem",
    "dynamodb:Query",
    "s3:GetObject",
    "s3:ListBucket",
    "kms:Decrypt",
];

fn no_table_admin(template: &Template, found: &mut Findings) {
    let allowed = ["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    for grant in template.grants() {
        for action in grant.actions() {
            if let Some(name) = action.strip_prefix("dynamodb:") {
                found.check(
                    &grant.role,
                    allowed.contains(&name),
                    &format!("may do `{action}`"),
                );
            }
        }
    }
}

fn pass_role(template: &Template, found: &mut Findings) {
    let passes = |actions: Vec<&str>| actions.contains(&"iam:PassRole");
    for grant in template.grants().filter(|grant| passes(grant.actions())) {
        let to = &grant.statement["Condition"]["StringEquals"]["iam:PassedToService"];
        let role = json!({"Fn::GetAtt": ["ScheduleRole", "Arn"]});
        let good = *to == "scheduler.amazonaws.com" && grant.statement["Resource"] == role;
        found.check(&grant.role, good, "may give roles away");
    }
}

fn secrets(template: &Template, found: &mut Findings) {
    for grant in template.grants() {
        let reads = grant
            .actions()
            .iter()
            .any(|action| action.starts_with("secretsmanager:"));
        if !reads {
            continue;
        }
        let may = ["StartRole", "StepRole"].contains(&grant.role.name);
        found.check(&grant.role, may, "reads secrets that it has no use for");
        let prefix = ":secret:${AWS::StackName}/*";
        let bounded = grant
            .resources()
            .iter()
            .all(|one| text_of(one).ends_with(prefix));
        found.check(
            &grant.role,
            bounded,
            "reads secrets that are not this stack's",
        );
    }
}
