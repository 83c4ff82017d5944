//! The table, the bucket, and how long what is in them stays.

use super::{Assertion, Findings};
use crate::template::{STAGES, Template, denies_plain, points_to};
use serde_json::{Value, json};

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "table-keys",
        says: "the table has the keys and indices that the adapter asks by",
        look: keys,
    },
    Assertion {
        name: "table-expiry",
        says: "items of runs expire by themselves",
        look: expiry,
    },
    Assertion {
        name: "table-recovery",
        says: "the table can be put back to any second of the last 35 days",
        look: recovery,
    },
    Assertion {
        name: "table-protected",
        says: "in prod the table cannot be deleted by a slip",
        look: protected,
    },
    Assertion {
        name: "table-encrypted",
        says: "the table is encrypted with the stack's key",
        look: table_encrypted,
    },
    Assertion {
        name: "table-on-demand",
        says: "the table costs nothing while nothing runs",
        look: on_demand,
    },
    Assertion {
        name: "bucket-private",
        says: "nothing in a bucket can be made public",
        look: private,
    },
    Assertion {
        name: "bucket-tls",
        says: "a bucket refuses what comes without TLS",
        look: tls,
    },
    Assertion {
        name: "bucket-encrypted",
        says: "a bucket is encrypted with the stack's key, and asks the key service once for many objects",
        look: bucket_encrypted,
    },
    Assertion {
        name: "bucket-expiry",
        says: "values of runs outlive their logs, and what belongs to workflows never expires",
        look: bucket_expiry,
    },
    Assertion {
        name: "bucket-versions",
        says: "an overwritten object can be had back for some days, and not for ever",
        look: versions,
    },
];

const TABLE: &str = "AWS::DynamoDB::Table";
const BUCKET: &str = "AWS::S3::Bucket";

fn schema(keys: &Value) -> Vec<(&str, &str)> {
    let all = keys.as_array().into_iter().flatten();
    all.filter_map(|key| Some((key["AttributeName"].as_str()?, key["KeyType"].as_str()?)))
        .collect()
}

fn keys(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        let types: Vec<_> = one
            .list("AttributeDefinitions")
            .iter()
            .filter_map(|one| {
                Some((
                    one["AttributeName"].as_str()?,
                    one["AttributeType"].as_str()?,
                ))
            })
            .collect();
        let wanted = [
            ("p", "S"),
            ("s", "S"),
            ("dp", "S"),
            ("ds", "N"),
            ("lp", "S"),
            ("ls", "S"),
        ];
        found.check(&one, types == wanted, "has other attributes");
        let main = schema(one.get("KeySchema"));
        found.check(
            &one,
            main == [("p", "HASH"), ("s", "RANGE")],
            "has other keys",
        );
        for (index, hash, range) in [("due", "dp", "ds"), ("list", "lp", "ls")] {
            let indices = one.list("GlobalSecondaryIndexes");
            let keys = indices
                .iter()
                .find(|one| one["IndexName"] == index)
                .map(|one| schema(&one["KeySchema"]));
            let good = keys == Some(vec![(hash, "HASH"), (range, "RANGE")]);
            found.check(
                &one,
                good,
                &format!("has no index `{index}`, or with other keys"),
            );
        }
    }
}

fn expiry(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        let wanted = json!({"AttributeName": "exp", "Enabled": true});
        found.check(
            &one,
            *one.get("TimeToLiveSpecification") == wanted,
            "keeps runs for ever",
        );
    }
}

fn recovery(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        let on = &one.get("PointInTimeRecoverySpecification")["PointInTimeRecoveryEnabled"];
        found.check(&one, *on == true, "cannot be put back");
    }
}

fn protected(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        let on = template.value(one.get("DeletionProtectionEnabled"), "prod");
        found.check(&one, *on == true, "can be deleted by a slip in prod");
    }
}

fn table_encrypted(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        let how = one.get("SSESpecification");
        let good = how["SSEEnabled"] == true
            && how["SSEType"] == "KMS"
            && points_to(&how["KMSMasterKeyId"], "Key");
        found.check(&one, good, "is not encrypted with the stack's key");
    }
}

fn on_demand(template: &Template, found: &mut Findings) {
    for one in template.of(TABLE) {
        found.check(
            &one,
            one.text("BillingMode") == "PAY_PER_REQUEST",
            "is paid for by the hour",
        );
    }
}

fn private(template: &Template, found: &mut Findings) {
    let wanted = json!({
        "BlockPublicAcls": true, "BlockPublicPolicy": true,
        "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
    });
    for one in template.of(BUCKET) {
        found.check(
            &one,
            *one.get("PublicAccessBlockConfiguration") == wanted,
            "can be made public",
        );
        let owner = one.get("OwnershipControls")["Rules"][0]["ObjectOwnership"].as_str();
        found.check(
            &one,
            owner == Some("BucketOwnerEnforced"),
            "knows access lists of objects",
        );
    }
}

fn tls(template: &Template, found: &mut Findings) {
    for one in template.of(BUCKET) {
        let statements = template.statements_about("AWS::S3::BucketPolicy", "Bucket", one.name);
        let denied = statements.iter().any(|one| {
            denies_plain(one)
                && one["Action"] == "s3:*"
                && one["Resource"].as_array().map(Vec::len) == Some(2)
        });
        found.check(&one, denied, "takes what comes without TLS");
    }
}

fn bucket_encrypted(template: &Template, found: &mut Findings) {
    for one in template.of(BUCKET) {
        let rule = &one.get("BucketEncryption")["ServerSideEncryptionConfiguration"][0];
        let by = &rule["ServerSideEncryptionByDefault"];
        let good = by["SSEAlgorithm"] == "aws:kms" && points_to(&by["KMSMasterKeyID"], "Key");
        found.check(&one, good, "is not encrypted with the stack's key");
        found.check(
            &one,
            rule["BucketKeyEnabled"] == true,
            "asks the key service for every object",
        );
    }
}

fn bucket_expiry(template: &Template, found: &mut Findings) {
    for one in template.of(BUCKET) {
        let rules = &one.get("LifecycleConfiguration")["Rules"];
        let rules: Vec<_> = rules.as_array().into_iter().flatten().collect();
        let of_prefix = |prefix: &str| {
            rules
                .iter()
                .find(|rule| rule["Prefix"] == prefix && rule["Status"] == "Enabled")
        };
        for prefix in ["blobs/", "checkpoints/"] {
            for stage in STAGES {
                let days = of_prefix(prefix)
                    .and_then(|rule| template.number(&rule["ExpirationInDays"], stage));
                let kept = template.number(
                    &template.root["Mappings"]["Stages"][stage]["KeepDays"],
                    stage,
                );
                let good = days.zip(kept).is_some_and(|(days, kept)| days > kept);
                found.check(
                    &one,
                    good,
                    &format!("loses `{prefix}` before the log in {stage}, or never"),
                );
            }
        }
        let ours = |rule: &&&Value| {
            let prefix = rule["Prefix"].as_str().unwrap_or_default();
            !rule["ExpirationInDays"].is_null() && !["blobs/", "checkpoints/"].contains(&prefix)
        };
        found.check(
            &one,
            rules.iter().filter(ours).count() == 0,
            "loses programs and documents",
        );
    }
}

fn versions(template: &Template, found: &mut Findings) {
    for one in template.of(BUCKET) {
        let on = one.get("VersioningConfiguration")["Status"] == "Enabled";
        let rules = &one.get("LifecycleConfiguration")["Rules"];
        let ends = rules.as_array().into_iter().flatten().any(|rule| {
            rule["NoncurrentVersionExpiration"]["NoncurrentDays"]
                .as_u64()
                .is_some()
                && rule["Prefix"].is_null()
        });
        found.check(&one, on && ends, "keeps no older versions, or all of them");
    }
}
