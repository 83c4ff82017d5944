//! Faults of roles, routes and addresses.

use super::Row;
use crate::faults::Change::{Add, Remove, Set};

pub(super) const ALL: &[Row] = &[
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
        "compile-reads-only",
        "a compiler that writes",
        Add(
            "/Resources/CompileRole/Properties/Policies/0/PolicyDocument/Statement/1/Action",
            r#""dynamodb:PutItem""#,
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
