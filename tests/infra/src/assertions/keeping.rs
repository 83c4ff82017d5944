//! The key, the logs, and what stays when the stack goes.

use super::{Assertion, Findings};
use crate::template::{Resource, STAGES, Template, many, points_to};
use serde_json::Value;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "kept-in-prod",
        says: "in prod, what is stored and logged stays when the stack goes or replaces it",
        look: kept,
    },
    Assertion {
        name: "removed-in-dev",
        says: "in dev, removing the stack removes everything",
        look: removed,
    },
    Assertion {
        name: "key-rotation",
        says: "keys are rotated, and not gone the day after somebody deletes one",
        look: rotation,
    },
    Assertion {
        name: "key-policy",
        says: "only this account, and services that act for it, may use a key",
        look: key_policy,
    },
    Assertion {
        name: "log-retention",
        says: "logs are kept for some time in every stage, and not for ever",
        look: log_retention,
    },
    Assertion {
        name: "log-encrypted",
        says: "logs are encrypted with the stack's key",
        look: log_encrypted,
    },
];

const KEPT: [&str; 4] = [
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
];
const GROUP: &str = "AWS::Logs::LogGroup";

fn policies(template: &Template, found: &mut Findings, stage: &str, wanted: &str) {
    let stays = |one: &Resource<'_>| KEPT.contains(&one.kind());
    for one in template.resources().filter(stays) {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            let said = template.value(&one.body[policy], stage);
            found.check(
                &one,
                said == wanted,
                &format!("has another {policy} in {stage}"),
            );
        }
    }
}

fn kept(template: &Template, found: &mut Findings) {
    policies(template, found, "prod", "Retain");
}

fn removed(template: &Template, found: &mut Findings) {
    policies(template, found, "dev", "Delete");
}

fn rotation(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::KMS::Key") {
        found.check(
            &one,
            *one.get("EnableKeyRotation") == true,
            "is never rotated",
        );
        let days = one.get("PendingWindowInDays").as_u64();
        found.check(&one, days == Some(30), "is gone before anybody misses it");
    }
}

/// The account itself, or services under a condition that names this account.
fn bounded(statement: &Value) -> bool {
    let principal = &statement["Principal"];
    let root = "arn:${AWS::Partition}:iam::${AWS::AccountId}:root";
    if principal["AWS"]["Fn::Sub"] == root {
        return true;
    }
    let condition = statement["Condition"].to_string();
    !many(&principal["Service"]).is_empty()
        && principal["AWS"].is_null()
        && condition.contains("AWS::AccountId")
}

fn key_policy(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::KMS::Key") {
        for statement in many(&one.get("KeyPolicy")["Statement"]) {
            found.check(&one, bounded(statement), "may be used by somebody outside");
        }
    }
}

fn log_retention(template: &Template, found: &mut Findings) {
    for one in template.of(GROUP) {
        for stage in STAGES {
            let days = template.number(one.get("RetentionInDays"), stage);
            found.check(
                &one,
                days.is_some_and(|days| days >= 7),
                "keeps for ever, or not for a week",
            );
        }
    }
}

fn log_encrypted(template: &Template, found: &mut Findings) {
    for one in template.of(GROUP) {
        found.check(
            &one,
            points_to(one.get("KmsKeyId"), "Key"),
            "is not encrypted with the stack's key",
        );
    }
}
