//! How a new version comes in.

use super::{Assertion, Findings};
use crate::template::{Template, points_to};

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "rollout-canary",
        says: "with a canary, each function's alias moves by a part first",
        look: canary,
    },
    Assertion {
        name: "rollout-rollback",
        says: "an alarm of the function takes its new version back",
        look: rollback,
    },
    Assertion {
        name: "rollout-hook",
        says: "new versions behind the API are called before they get traffic",
        look: hook,
    },
    Assertion {
        name: "rollout-optional",
        says: "without a canary none of its own resources is made",
        look: optional,
    },
];

const GROUP: &str = "AWS::CodeDeploy::DeploymentGroup";

fn canary(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        let group = template.find(&format!("{}DeploymentGroup", one.name));
        let by_part = group.is_some_and(|group| {
            group
                .get("DeploymentConfigName")
                .to_string()
                .contains("Canary10Percent5Minutes")
        });
        found.check(&one, by_part, "gets a new version all at once");
        let alias = template.find(&format!("{}Aliaslive", one.name));
        let moved = alias.is_some_and(|alias| {
            let update = &alias.body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
            points_to(
                &update["DeploymentGroupName"],
                &format!("{}DeploymentGroup", one.name),
            )
        });
        found.check(&one, moved, "has an alias that moves by itself");
    }
}

fn rollback(template: &Template, found: &mut Findings) {
    for one in template.of(GROUP) {
        let function = one.name.trim_end_matches("FunctionDeploymentGroup");
        let config = one.get("AlarmConfiguration");
        let alarms = config["Alarms"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let watched = |what: &str| {
            alarms
                .iter()
                .any(|alarm| points_to(&alarm["Name"], &format!("{function}{what}")))
        };
        let good = config["Enabled"] == true && watched("Errors") && watched("Throttles");
        found.check(&one, good, "does not look at the alarms of its function");
        let back = one.get("AutoRollbackConfiguration");
        let on_alarm = back["Events"].as_array().is_some_and(|events| {
            events
                .iter()
                .any(|event| event == "DEPLOYMENT_STOP_ON_ALARM")
        });
        found.check(
            &one,
            back["Enabled"] == true && on_alarm,
            "does not go back by itself",
        );
    }
}

fn hook(template: &Template, found: &mut Findings) {
    for name in ["Compile", "Start", "Signal"] {
        let alias = template.find(&format!("{name}FunctionAliaslive"));
        let called = alias.is_some_and(|alias| {
            let update = &alias.body["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"];
            update["BeforeAllowTrafficHook"]
                .to_string()
                .contains("\"RolloutCheck\"")
        });
        found.say(name, called, "gets traffic before anybody called it");
        let versions = template
            .find("RolloutCheck")
            .map(|one| one.get("Environment")["Variables"].to_string());
        let tried = versions.is_some_and(|text| text.contains(&format!("{name}FunctionVersion")));
        found.say(name, tried, "is not called by the check");
    }
}

fn optional(template: &Template, found: &mut Findings) {
    let ours = |name: &str| name.starts_with("Rollout");
    for one in template.resources().filter(|one| ours(one.name)) {
        found.check(
            &one,
            one.body["Condition"] == "IsCanary",
            "is made without a canary",
        );
    }
}
