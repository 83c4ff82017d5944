//! The ports over DynamoDB, SQS, S3, Secrets Manager and EventBridge Scheduler.
