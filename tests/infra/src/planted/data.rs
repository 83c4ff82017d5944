//! Faults of queues, table, bucket, key and logs.

use super::Row;
use crate::faults::Change::{Remove, Set};

pub(super) const ALL: &[Row] = &[
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
