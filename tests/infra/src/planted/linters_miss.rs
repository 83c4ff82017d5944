//! Faults that cfn-lint lets through.

use super::Row;
use crate::faults::Change::Set;

pub(super) const ALL: &[Row] = &[
    (
        "mapping-concurrency",
        "a mapping that takes one at once",
        Set(
            "/Resources/StepMapping/Properties/ScalingConfig/MaximumConcurrency",
            "1",
        ),
    ),
    (
        "queue-visibility",
        "a message that comes back before its function's time is over",
        Set("/Resources/StepsQueue/Properties/VisibilityTimeout", "300"),
    ),
    (
        "role-actions-known",
        "a misspelt action",
        Set(
            "/Resources/StepRole/Properties/Policies/0/PolicyDocument/Statement/1/Action/0",
            r#""dynamodb:GetItems""#,
        ),
    ),
];
