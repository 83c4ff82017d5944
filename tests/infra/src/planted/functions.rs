//! Faults of functions, and of how they come to run.

use super::Row;
use crate::faults::Change::{Add, Remove, Set, Strip};

pub(super) const ALL: &[Row] = &[
    (
        "function-runtime",
        "arm64 with a bootstrap for x86_64",
        Set(
            "/Resources/StepFunction/Properties/Architectures",
            r#"["arm64"]"#,
        ),
    ),
    (
        "function-runtime",
        "the code of another function",
        Set(
            "/Resources/SweepFunction/Properties/Code/S3Key",
            r#""step""#,
        ),
    ),
    (
        "function-timeout",
        "a function that outlives the request that waits for it",
        Set("/Resources/SignalFunction/Properties/Timeout", "31"),
    ),
    (
        "function-concurrency",
        "a function without a concurrency of its own",
        Remove("/Resources/StreamFunction/Properties/ReservedConcurrentExecutions"),
    ),
    (
        "function-logs",
        "logs as text",
        Set(
            "/Resources/StartFunction/Properties/LoggingConfig/LogFormat",
            r#""Text""#,
        ),
    ),
    (
        "function-logs",
        "logs in a group that Lambda makes",
        Remove("/Resources/StartFunction/Properties/LoggingConfig/LogGroup"),
    ),
    (
        "function-environment",
        "a function that does not know its queue",
        Remove("/Resources/SweepFunction/Properties/Environment/Variables/LATTICE_QUEUE_URL"),
    ),
    (
        "function-environment",
        "days as a number, which not every engine takes",
        Set("/Mappings/Stages/prod/KeepDays", "90"),
    ),
    (
        "environment-not-secret",
        "a provider's key in the environment",
        Add(
            "/Resources/StepFunction/Properties/Environment/Variables/OPENAI_API_KEY",
            r#"{"Ref": "ProviderKey"}"#,
        ),
    ),
    (
        "environment-not-secret",
        "a secret that is read at the deployment",
        Set(
            "/Resources/StepFunction/Properties/Environment/Variables/LATTICE_LOG",
            r#""{{resolve:secretsmanager:x}}""#,
        ),
    ),
    (
        "function-own-role",
        "two functions with one role",
        Set(
            "/Resources/StreamFunction/Properties/Role",
            r#"{"Fn::GetAtt": ["StepRole", "Arn"]}"#,
        ),
    ),
    (
        "function-alias",
        "an alias of another name",
        Set(
            "/Resources/StepFunctionAliaslive/Properties/Name",
            r#""newest""#,
        ),
    ),
    (
        "version-kept",
        "versions that go when the next one comes",
        Strip("AWS::Lambda::Version", "UpdateReplacePolicy"),
    ),
    (
        "function-alias",
        "versions that stay the same when only settings change",
        Strip("AWS::Lambda::Version", "Properties"),
    ),
    (
        "step-loop",
        "Lambda's stop at the sixteenth step",
        Set(
            "/Resources/StepFunction/Properties/RecursiveLoop",
            r#""Terminate""#,
        ),
    ),
    (
        "mapping-concurrency",
        "a mapping that takes more than the function may serve",
        Set("/Mappings/Stages/prod/StepMaximum", "200"),
    ),
    (
        "mapping-partial-failures",
        "a bad message that brings its batch back",
        Remove("/Resources/StepMapping/Properties/FunctionResponseTypes"),
    ),
    (
        "mapping-batch",
        "a batch of a hundred",
        Set("/Resources/StepMapping/Properties/BatchSize", "100"),
    ),
    (
        "rollout-canary",
        "a version that gets all traffic at once",
        Set(
            "/Resources/StepFunctionDeploymentGroup/Properties/DeploymentConfigName",
            r#""CodeDeployDefault.LambdaAllAtOnce""#,
        ),
    ),
    (
        "rollout-rollback",
        "a rollout that does not look at alarms",
        Set(
            "/Resources/StartFunctionDeploymentGroup/Properties/AlarmConfiguration/Enabled",
            "false",
        ),
    ),
    (
        "rollout-hook",
        "a version that nobody called before",
        Remove(
            "/Resources/StartFunctionAliaslive/UpdatePolicy/CodeDeployLambdaAliasUpdate/BeforeAllowTrafficHook",
        ),
    ),
    (
        "rollout-optional",
        "the check of a rollout where there is none",
        Remove("/Resources/RolloutCheck/Condition"),
    ),
    (
        "sweep-rule",
        "a sweep once an hour",
        Set(
            "/Resources/SweepRule/Properties/ScheduleExpression",
            r#""rate(1 hour)""#,
        ),
    ),
    (
        "sweep-rule",
        "a rule that may not call",
        Remove("/Resources/SweepRuleMayInvoke"),
    ),
    (
        "sweep-undelivered",
        "a sweep that is repeated for a day",
        Remove("/Resources/SweepRule/Properties/Targets/0/RetryPolicy"),
    ),
    (
        "schedule-group",
        "schedules in the group that outlives the stack",
        Set(
            "/Resources/StartFunction/Properties/Environment/Variables/LATTICE_SCHEDULE_GROUP",
            r#""default""#,
        ),
    ),
    (
        "schedule-role",
        "schedules that may call any function",
        Set(
            "/Resources/ScheduleRole/Properties/Policies/0/PolicyDocument/Statement/0/Resource",
            r#""*""#,
        ),
    ),
    (
        "async-failures",
        "firings that fail unseen",
        Remove("/Resources/StartFunctionEventInvokeConfig"),
    ),
];
