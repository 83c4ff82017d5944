//! Faults of alarms, objectives and what everything carries.

use super::Row;
use crate::faults::Change::{Add, Remove, Set};

pub(super) const ALL: &[Row] = &[
    (
        "alarm-subjects",
        "nobody looks at dead letters",
        Remove("/Resources/StepsDeadDepth"),
    ),
    (
        "alarm-functions",
        "nobody looks at the errors of the sweep",
        Remove("/Resources/SweepErrors"),
    ),
    (
        "alarm-runbook",
        "a runbook that is not there",
        Set(
            "/Resources/StepsAge/Properties/AlarmDescription",
            r#""Old. docs/runbooks/pray.md""#,
        ),
    ),
    (
        "alarm-told",
        "an alarm that tells nobody",
        Set("/Resources/StepsAge/Properties/AlarmActions", "[]"),
    ),
    (
        "alarm-silence",
        "a sweep whose silence is fine",
        Set(
            "/Resources/SweepSilent/Properties/TreatMissingData",
            r#""notBreaching""#,
        ),
    ),
    (
        "burn-rates",
        "one window only",
        Set(
            "/Resources/ApiBurnFast/Properties/AlarmRule",
            r#"{"Fn::Sub": "ALARM(\"${ApiBurnFastLong}\")"}"#,
        ),
    ),
    (
        "topic-closed",
        "a topic that takes from other accounts",
        Remove("/Resources/AlarmTopicPolicy/Properties/PolicyDocument/Statement/1/Condition"),
    ),
    (
        "budget-told",
        "a budget that nobody hears of",
        Set(
            "/Resources/Budget/Properties/NotificationsWithSubscribers",
            "[]",
        ),
    ),
    (
        "dashboard",
        "a dashboard that is no JSON",
        Set(
            "/Resources/Dashboard/Properties/DashboardBody",
            r#"{"Fn::Sub": "{"}"#,
        ),
    ),
    (
        "stages-alike",
        "a number that prod lacks",
        Remove("/Mappings/Stages/prod/HookRate"),
    ),
    (
        "tags",
        "a table that is nobody's",
        Remove("/Resources/Table/Properties/Tags"),
    ),
    (
        "parameters-told",
        "a key as a parameter",
        Add(
            "/Parameters/ProviderKey",
            r#"{"Type": "String", "NoEcho": true, "Description": "the key"}"#,
        ),
    ),
    (
        "objectives-beyond-dev",
        "a pager for dev",
        Set("/Resources/ApiBurnFast/Condition", r#""HasDoor""#),
    ),
];
