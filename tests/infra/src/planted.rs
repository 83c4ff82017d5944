//! Every planted fault. The first three are those that cfn-lint lets through.

use crate::faults::Change::{self, Add, Remove, Set};
use crate::faults::Fault;

type Row = (&'static str, &'static str, Change);

/// Every planted fault.
pub fn all() -> Vec<Fault> {
    let shelves: [&[Row]; 5] = [LINTERS_MISS, FUNCTIONS, DATA, ACCESS, WATCHING];
    let rows = shelves.into_iter().flatten();
    rows.map(|&(assertion, says, change)| Fault {
        assertion,
        says,
        change,
    })
    .collect()
}

const LINTERS_MISS: &[Row] = &[
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

const FUNCTIONS: &[Row] = &[
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

const DATA: &[Row] = &[
    (
        "queue-dead-letter",
        "another number of tries than the driver counts on",
        Set(
            "/Resources/StepsQueue/Properties/RedrivePolicy/maxReceiveCount",
            "3",
        ),
    ),
    (
        "dead-letter-retention",
        "dead letters that are gone after four days",
        Remove("/Resources/StepsDead/Properties/MessageRetentionPeriod"),
    ),
    (
        "queue-tls",
        "a queue without its policy",
        Remove("/Resources/MissedQueuePolicy/Properties/PolicyDocument/Statement/0"),
    ),
    (
        "queue-encrypted",
        "a queue with the service's own key",
        Set(
            "/Resources/StepsQueue/Properties/KmsMasterKeyId",
            r#""alias/aws/sqs""#,
        ),
    ),
    (
        "missed-queue",
        "a queue that anybody may write to",
        Remove("/Resources/MissedQueuePolicy/Properties/PolicyDocument/Statement/1/Condition"),
    ),
    (
        "table-keys",
        "an index by another key",
        Set(
            "/Resources/Table/Properties/GlobalSecondaryIndexes/0/KeySchema/0/AttributeName",
            r#""p""#,
        ),
    ),
    (
        "table-keys",
        "a range key of another type",
        Set(
            "/Resources/Table/Properties/AttributeDefinitions/3/AttributeType",
            r#""S""#,
        ),
    ),
    (
        "table-expiry",
        "expiry by another attribute",
        Set(
            "/Resources/Table/Properties/TimeToLiveSpecification/AttributeName",
            r#""ttl""#,
        ),
    ),
    (
        "table-recovery",
        "no recovery",
        Set(
            "/Resources/Table/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
            "false",
        ),
    ),
    (
        "table-protected",
        "no protection in prod",
        Set("/Mappings/Stages/prod/Protect", "false"),
    ),
    (
        "table-encrypted",
        "the service's own key",
        Remove("/Resources/Table/Properties/SSESpecification/KMSMasterKeyId"),
    ),
    (
        "table-on-demand",
        "a table that is paid for by the hour",
        Set(
            "/Resources/Table/Properties/BillingMode",
            r#""PROVISIONED""#,
        ),
    ),
    (
        "bucket-private",
        "a bucket that takes public policies",
        Set(
            "/Resources/Bucket/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
            "false",
        ),
    ),
    (
        "bucket-tls",
        "TLS for the bucket, but not for its objects",
        Remove("/Resources/BucketPolicy/Properties/PolicyDocument/Statement/0/Resource/1"),
    ),
    (
        "bucket-encrypted",
        "a bucket without a key of its own",
        Set(
            "/Resources/Bucket/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm",
            r#""AES256""#,
        ),
    ),
    (
        "bucket-expiry",
        "values that are gone before their log",
        Set("/Mappings/Stages/staging/ObjectDays", "29"),
    ),
    (
        "bucket-expiry",
        "everything expires, programs too",
        Set(
            "/Resources/Bucket/Properties/LifecycleConfiguration/Rules/0/Prefix",
            r#""""#,
        ),
    ),
    (
        "bucket-versions",
        "older versions for ever",
        Remove("/Resources/Bucket/Properties/LifecycleConfiguration/Rules/2"),
    ),
    (
        "kept-in-prod",
        "a table that goes with its stack in prod",
        Set("/Mappings/Stages/prod/Keep", r#""Delete""#),
    ),
    (
        "kept-in-prod",
        "a bucket that is emptied when it is replaced",
        Remove("/Resources/Bucket/UpdateReplacePolicy"),
    ),
    (
        "removed-in-dev",
        "a key that stays behind in dev",
        Set("/Resources/Key/DeletionPolicy", r#""Retain""#),
    ),
    (
        "key-rotation",
        "a key that is never rotated",
        Set("/Resources/Key/Properties/EnableKeyRotation", "false"),
    ),
    (
        "key-policy",
        "a key for everybody",
        Set(
            "/Resources/Key/Properties/KeyPolicy/Statement/2/Principal",
            r#"{"AWS": "*"}"#,
        ),
    ),
    (
        "log-retention",
        "logs for ever",
        Remove("/Resources/ApiLogs/Properties/RetentionInDays"),
    ),
    (
        "log-encrypted",
        "logs in the clear",
        Remove("/Resources/StepLogs/Properties/KmsKeyId"),
    ),
];

const ACCESS: &[Row] = &[
    (
        "role-actions-named",
        "every action of a service",
        Set(
            "/Resources/StepRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            r#""dynamodb:*""#,
        ),
    ),
    (
        "role-resources-named",
        "every table",
        Set(
            "/Resources/StepRole/Properties/Policies/0/PolicyDocument/Statement/1/Resource",
            r#""*""#,
        ),
    ),
    (
        "role-resources-named",
        "the whole bucket",
        Set(
            "/Resources/StepRole/Properties/Policies/0/PolicyDocument/Statement/3/Resource",
            r#"{"Fn::Sub": "${Bucket.Arn}/*"}"#,
        ),
    ),
    (
        "role-boundary",
        "a role outside the boundary",
        Remove("/Resources/RolloutRole/Properties/PermissionsBoundary"),
    ),
    (
        "role-trust",
        "a role that another account may take",
        Set(
            "/Resources/StepRole/Properties/AssumeRolePolicyDocument/Statement/0/Principal",
            r#"{"AWS": "arn:aws:iam::1:root"}"#,
        ),
    ),
    (
        "role-trust",
        "schedules of any account",
        Remove("/Resources/ScheduleRole/Properties/AssumeRolePolicyDocument/Statement/0/Condition"),
    ),
    (
        "role-inline",
        "a policy that AWS writes",
        Add(
            "/Resources/SignalRole/Properties/ManagedPolicyArns",
            r#"["arn:aws:iam::aws:policy/AdministratorAccess"]"#,
        ),
    ),
    (
        "compile-touches-nothing",
        "a compiler that reads the table",
        Add(
            "/Resources/CompileRole/Properties/Policies/0/PolicyDocument/Statement",
            r#"{"Effect": "Allow", "Action": "dynamodb:Query", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}"#,
        ),
    ),
    (
        "stream-reads-only",
        "a stream that writes",
        Add(
            "/Resources/StreamRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            r#""dynamodb:PutItem""#,
        ),
    ),
    (
        "no-function-deletes-data",
        "a function that may delete the table",
        Add(
            "/Resources/StartRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            r#""dynamodb:DeleteTable""#,
        ),
    ),
    (
        "pass-role-bounded",
        "a role that can be given to anything",
        Remove("/Resources/StartRole/Properties/Policies/0/PolicyDocument/Statement/9/Condition"),
    ),
    (
        "secrets-by-prefix",
        "every secret of the account",
        Set(
            "/Resources/StepRole/Properties/Policies/0/PolicyDocument/Statement/8/Resource",
            r#"{"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:*"}"#,
        ),
    ),
    (
        "api-authorizer",
        "tokens for any audience",
        Set(
            "/Resources/Authorizer/Properties/JwtConfiguration/Audience",
            "[]",
        ),
    ),
    (
        "api-throttling",
        "hooks without a ceiling of their own",
        Remove("/Resources/ApiStage/Properties/RouteSettings/POST ~1v1~1hooks~1{hookId}"),
    ),
    (
        "api-access-log",
        "no access log",
        Remove("/Resources/ApiStage/Properties/AccessLogSettings"),
    ),
    (
        "api-integration",
        "a call past the alias",
        Set(
            "/Resources/StartIntegration/Properties/IntegrationUri",
            r#"{"Fn::GetAtt": ["StartFunction", "Arn"]}"#,
        ),
    ),
    (
        "api-may-invoke",
        "a function that any API may call",
        Remove("/Resources/ApiMayInvokeSignal/Properties/SourceArn"),
    ),
    (
        "stream-url",
        "a stream that is gathered before it is sent",
        Set(
            "/Resources/StreamFunctionUrl/Properties/InvokeMode",
            r#""BUFFERED""#,
        ),
    ),
    (
        "stream-url-only",
        "another function for everybody",
        Set(
            "/Resources/StreamFunctionUrlPublicPermissions/Properties/FunctionName",
            r#"{"Ref": "StepFunction"}"#,
        ),
    ),
    (
        "door-tls",
        "a door without TLS",
        Set(
            "/Resources/Distribution/Properties/DistributionConfig/DefaultCacheBehavior/ViewerProtocolPolicy",
            r#""allow-all""#,
        ),
    ),
    (
        "door-firewall",
        "a door without a firewall",
        Remove("/Resources/Distribution/Properties/DistributionConfig/WebACLId"),
    ),
    (
        "routes-agree",
        "a route that is missing",
        Remove("/Resources/RouteCancelRun"),
    ),
    (
        "routes-agree",
        "a route that leads to another function",
        Set(
            "/Resources/RouteStartRun/Properties/Target",
            r#"{"Fn::Sub": "integrations/${SignalIntegration}"}"#,
        ),
    ),
    (
        "routes-known",
        "a route that takes everything",
        Set(
            "/Resources/RouteListRuns/Properties/RouteKey",
            r#""$default""#,
        ),
    ),
    (
        "routes-tokens",
        "a route that asks for no token",
        Set(
            "/Resources/RouteListRuns/Properties/AuthorizationType",
            r#""NONE""#,
        ),
    ),
];

const WATCHING: &[Row] = &[
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
