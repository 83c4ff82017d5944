//! What differs by stage, and what everything carries.

use super::{Assertion, Findings};
use crate::template::{STAGES, Template, points_to};
use serde_json::Value;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "stages-alike",
        says: "every number stands in every stage, and the parameter takes exactly the stages",
        look: alike,
    },
    Assertion {
        name: "tags",
        says: "what costs money or holds data says whose it is and of which stage",
        look: tags,
    },
    Assertion {
        name: "parameters-told",
        says: "every parameter says what it is for, and none is a secret",
        look: parameters,
    },
    Assertion {
        name: "objectives-beyond-dev",
        says: "objectives are watched in staging and prod, and nobody is woken for dev",
        look: objectives,
    },
];

const TAGGED: [&str; 10] = [
    "AWS::ApiGatewayV2::Api",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
];

fn alike(template: &Template, found: &mut Findings) {
    let keys = |stage: &str| -> Vec<&String> {
        let map = template.root["Mappings"]["Stages"][stage].as_object();
        map.into_iter().flat_map(|map| map.keys()).collect()
    };
    let wanted = keys("prod");
    for stage in STAGES {
        found.say(
            stage,
            !wanted.is_empty() && keys(stage) == wanted,
            "lacks what another stage has",
        );
    }
    let allowed = &template.root["Parameters"]["Stage"]["AllowedValues"];
    found.say(
        "Stage",
        *allowed == serde_json::json!(STAGES),
        "takes other stages",
    );
}

fn carries(tags: &Value) -> bool {
    let tag = |key: &str| match tags {
        Value::Array(list) => list
            .iter()
            .find(|tag| tag["Key"] == key)
            .map(|tag| &tag["Value"]),
        map => map.get(key),
    };
    tag("app").is_some_and(|value| value == "agent-lattice")
        && tag("stage").is_some_and(|value| points_to(value, "Stage"))
}

fn tags(template: &Template, found: &mut Findings) {
    for one in template
        .resources()
        .filter(|one| TAGGED.contains(&one.kind()))
    {
        found.check(&one, carries(one.get("Tags")), "does not say whose it is");
    }
}

fn parameters(template: &Template, found: &mut Findings) {
    let all = template.root["Parameters"].as_object();
    for (name, one) in all.into_iter().flatten() {
        let says = one["Description"]
            .as_str()
            .is_some_and(|text| !text.is_empty());
        found.say(name, says, "does not say what it is for");
        let secret = one["NoEcho"] == true || name.ends_with("Key") || name.ends_with("Token");
        found.say(name, !secret, "would carry a secret");
    }
}

fn objectives(template: &Template, found: &mut Findings) {
    let condition = serde_json::json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "Stage"}, "dev"]}]});
    for one in template.resources().filter(|one| one.name.contains("Burn")) {
        let under = one.body["Condition"].as_str().unwrap_or_default();
        found.check(
            &one,
            template.root["Conditions"][under] == condition,
            "stands in another stage",
        );
    }
}
