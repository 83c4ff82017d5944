//! Who is told what, and what they are to do then.

use super::{Assertion, Findings};
use crate::template::{Resource, Template, denies_plain, points_to};
use serde_json::Value;

pub(super) const ALL: &[Assertion] = &[
    Assertion {
        name: "alarm-subjects",
        says: "there is an alarm for everything that goes wrong",
        look: subjects,
    },
    Assertion {
        name: "alarm-functions",
        says: "each function has an alarm on its errors and on its throttles",
        look: functions,
    },
    Assertion {
        name: "alarm-runbook",
        says: "an alarm names the page that says what to do",
        look: runbook,
    },
    Assertion {
        name: "alarm-told",
        says: "an alarm tells somebody, or is a part of one that does",
        look: told,
    },
    Assertion {
        name: "alarm-silence",
        says: "an alarm is not raised by silence, but for the sweep's, which is raised by nothing else",
        look: silence,
    },
    Assertion {
        name: "burn-rates",
        says: "each objective is watched in a short and a long window at two speeds",
        look: burn_rates,
    },
    Assertion {
        name: "topic-closed",
        says: "the topic of alarms is encrypted, refuses what comes without TLS, and takes from services of this account",
        look: topic,
    },
    Assertion {
        name: "budget-told",
        says: "the budget tells before it is spent",
        look: budget,
    },
    Assertion {
        name: "dashboard",
        says: "the dashboard shows every function, the queue, the table and the objectives' metrics",
        look: dashboard,
    },
];

const ALARM: &str = "AWS::CloudWatch::Alarm";
const COMPOSITE: &str = "AWS::CloudWatch::CompositeAlarm";

/// Metrics that have to have an alarm, with a word of what the alarm is about.
const SUBJECTS: &[(&str, &str, &str)] = &[
    ("AWS/ApiGateway", "5xx", "Api"),
    ("AWS/ApiGateway", "Latency", "Api"),
    ("AWS/Lambda", "Url5xxCount", "StreamFunction"),
    ("AWS/Lambda", "Invocations", "SweepFunction"),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "StepsDead"),
    (
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "MissedQueue",
    ),
    ("AWS/SQS", "ApproximateAgeOfOldestMessage", "StepsQueue"),
    ("AWS/DynamoDB", "ReadThrottleEvents", "Table"),
    ("AWS/DynamoDB", "WriteThrottleEvents", "Table"),
    ("AWS/Scheduler", "InvocationDroppedCount", "ScheduleGroup"),
    ("AWS/Scheduler", "TargetErrorCount", "ScheduleGroup"),
    ("AgentLattice", "lattice_stream_gaps_total", "Stage"),
    ("AgentLattice", "lattice_provider_failures_total", "Stage"),
    ("AgentLattice", "lattice_step_duration_seconds", "Stage"),
];

fn watches(alarm: &Resource<'_>, namespace: &str, metric: &str, name: &str) -> bool {
    alarm.text("Namespace") == namespace
        && alarm.text("MetricName") == metric
        && alarm
            .list("Dimensions")
            .iter()
            .any(|dimension| points_to(&dimension["Value"], name))
}

fn subjects(template: &Template, found: &mut Findings) {
    for (namespace, metric, name) in SUBJECTS {
        let watched = template
            .of(ALARM)
            .any(|alarm| watches(&alarm, namespace, metric, name));
        found.say(metric, watched, &format!("nobody watches it for `{name}`"));
    }
}

fn functions(template: &Template, found: &mut Findings) {
    for one in template.functions() {
        for metric in ["Errors", "Throttles"] {
            let watched = template
                .of(ALARM)
                .any(|alarm| watches(&alarm, "AWS/Lambda", metric, one.name));
            found.check(&one, watched, &format!("nobody watches its `{metric}`"));
        }
    }
}

/// The page that an alarm names.
pub fn runbook_of(alarm: &Resource<'_>) -> Option<String> {
    let says = alarm.text("AlarmDescription");
    let (_, page) = says.split_once(". docs/runbooks/")?;
    page.strip_suffix(".md").map(str::to_owned)
}

fn all_alarms(template: &Template) -> impl Iterator<Item = Resource<'_>> {
    template.of(ALARM).chain(template.of(COMPOSITE))
}

fn runbook(template: &Template, found: &mut Findings) {
    let pages = crate::files::runbooks();
    for one in all_alarms(template) {
        let named = runbook_of(&one).is_some_and(|page| pages.contains(&page));
        found.check(&one, named, "names no page of docs/runbooks");
    }
}

fn told(template: &Template, found: &mut Findings) {
    for one in all_alarms(template) {
        let topic = |property: &str| {
            one.list(property)
                .iter()
                .any(|to| points_to(to, "AlarmTopic"))
        };
        let part = template.of(COMPOSITE).any(|other| {
            other
                .get("AlarmRule")
                .to_string()
                .contains(&format!("${{{}}}", one.name))
        });
        found.check(&one, topic("AlarmActions") || part, "tells nobody");
    }
}

fn silence(template: &Template, found: &mut Findings) {
    for one in template.of(ALARM) {
        let wanted = if one.name == "SweepSilent" {
            "breaching"
        } else {
            "notBreaching"
        };
        found.check(
            &one,
            one.text("TreatMissingData") == wanted,
            "takes silence for the opposite",
        );
    }
}

fn burn_rates(template: &Template, found: &mut Findings) {
    for (speed, long_s, short_s, rate) in
        [("Fast", 3_600, 300, 0.0144), ("Slow", 21_600, 1_800, 0.006)]
    {
        for what in ["Api", "Stream"] {
            let name = format!("{what}Burn{speed}");
            let window = |which: &str, seconds: u64| {
                template.find(&format!("{name}{which}")).is_some_and(|one| {
                    let periods = one
                        .list("Metrics")
                        .iter()
                        .filter_map(|metric| metric["MetricStat"]["Period"].as_u64());
                    periods.clone().count() == 2
                        && periods.into_iter().all(|period| period == seconds)
                        && one.get("Threshold").as_f64() == Some(rate)
                })
            };
            let good = window("Long", long_s) && window("Short", short_s) && both(template, &name);
            found.say(&name, good, "does not watch its objective in two windows");
        }
    }
}

fn both(template: &Template, name: &str) -> bool {
    let wanted = format!("ALARM(\"${{{name}Long}}\") AND ALARM(\"${{{name}Short}}\")");
    template
        .find(name)
        .is_some_and(|one| one.get("AlarmRule")["Fn::Sub"] == wanted.as_str())
}

fn topic(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::SNS::Topic") {
        found.check(
            &one,
            points_to(one.get("KmsMasterKeyId"), "Key"),
            "is not encrypted with the stack's key",
        );
        let statements = template.statements_about("AWS::SNS::TopicPolicy", "Topics", one.name);
        found.check(
            &one,
            statements.iter().any(|one| denies_plain(one)),
            "takes what comes without TLS",
        );
        for allowed in statements.iter().filter(|one| one["Effect"] == "Allow") {
            let account = &allowed["Condition"]["StringEquals"]["aws:SourceAccount"];
            found.check(
                &one,
                points_to(account, "AWS::AccountId"),
                "takes from other accounts",
            );
        }
    }
}

fn budget(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::Budgets::Budget") {
        let told: Vec<&Value> = one.list("NotificationsWithSubscribers").iter().collect();
        let early = told.iter().any(|one| {
            let when = &one["Notification"];
            when["NotificationType"] == "FORECASTED" || when["Threshold"].as_u64() < Some(100)
        });
        let somebody = told
            .iter()
            .all(|one| points_to(&one["Subscribers"][0]["Address"], "AlarmTopic"));
        found.check(
            &one,
            early && somebody && !told.is_empty(),
            "tells nobody before it is spent",
        );
    }
}

fn dashboard(template: &Template, found: &mut Findings) {
    for one in template.of("AWS::CloudWatch::Dashboard") {
        let body = one.get("DashboardBody")["Fn::Sub"]
            .as_str()
            .unwrap_or_default();
        let parsed = serde_json::from_str::<Value>(body);
        found.check(
            &one,
            parsed.is_ok_and(|body| body["widgets"].is_array()),
            "is not JSON",
        );
        let functions = template.functions().map(|one| format!("${{{}}}", one.name));
        let more = [
            "${Api}",
            "${StepsQueue.QueueName}",
            "${StepsDead.QueueName}",
            "${Table}",
        ];
        for name in functions.chain(more.map(str::to_owned)) {
            found.check(
                &one,
                body.contains(&name),
                &format!("does not show `{name}`"),
            );
        }
    }
}
