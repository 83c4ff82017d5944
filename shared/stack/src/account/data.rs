//! Queues and the table.

use super::{StackError, answer};
use aws_config::SdkConfig;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

pub(super) struct Stores {
    sqs: aws_sdk_sqs::Client,
    dynamodb: aws_sdk_dynamodb::Client,
}

impl Stores {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self {
            sqs: aws_sdk_sqs::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
        }
    }

    /// All attributes of a queue, those that are JSON as such.
    async fn attributes(&self, url: &str) -> Result<Option<Value>, StackError> {
        let ask = self.sqs.get_queue_attributes().queue_url(url);
        let asked = ask.attribute_names(QueueAttributeName::All).send().await;
        let found = answer("sqs:GetQueueAttributes", asked)?;
        Ok(found.map(|found| {
            let all = found.attributes.unwrap_or_default().into_iter();
            all.map(|(name, text)| (name.as_str().to_owned(), read(text)))
                .collect()
        }))
    }

    pub(super) async fn queue(&self, url: &str) -> Result<Option<Value>, StackError> {
        let names = [
            "VisibilityTimeout",
            "MessageRetentionPeriod",
            "RedrivePolicy",
            "KmsMasterKeyId",
        ];
        let found = self.attributes(url).await?;
        Ok(found.map(|found| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), found[*name].clone()))
                .collect()
        }))
    }

    pub(super) async fn queue_policy(&self, url: &str) -> Result<Option<Value>, StackError> {
        let found = self.attributes(url).await?;
        let policy = found.map(|found| found["Policy"].clone());
        let policy = policy.filter(|policy| !policy.is_null());
        Ok(policy.map(|policy| json!({"PolicyDocument": {"Statement": policy["Statement"]}})))
    }

    pub(super) async fn table(&self, name: &str) -> Result<Option<Value>, StackError> {
        let asked = self.dynamodb.describe_table().table_name(name).send().await;
        let found = answer("dynamodb:DescribeTable", asked)?;
        let Some(table) = found.and_then(|found| found.table) else {
            return Ok(None);
        };
        let asked = self
            .dynamodb
            .describe_time_to_live()
            .table_name(name)
            .send()
            .await;
        let expiry = answer("dynamodb:DescribeTimeToLive", asked)?
            .and_then(|found| found.time_to_live_description);
        let on = expiry
            .as_ref()
            .and_then(|one| one.time_to_live_status.as_ref());
        let on = on.is_some_and(|status| ["ENABLED", "ENABLING"].contains(&status.as_str()));
        let asked = self
            .dynamodb
            .describe_continuous_backups()
            .table_name(name)
            .send()
            .await;
        let backups = answer("dynamodb:DescribeContinuousBackups", asked)?
            .and_then(|found| found.continuous_backups_description)
            .and_then(|one| one.point_in_time_recovery_description)
            .and_then(|one| one.point_in_time_recovery_status);
        let key = table.sse_description.and_then(|one| one.kms_master_key_arn);
        let indices = table.global_secondary_indexes.unwrap_or_default();
        let indices: Vec<Value> = indices.iter().map(index).collect();
        Ok(Some(json!({
            "KeySchema": schema(&table.key_schema.unwrap_or_default()),
            "GlobalSecondaryIndexes": indices,
            "DeletionProtectionEnabled": table.deletion_protection_enabled.unwrap_or_default(),
            "TimeToLiveSpecification": {
                "Enabled": on, "AttributeName": expiry.and_then(|one| one.attribute_name),
            },
            "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": backups.is_some_and(|one| one.as_str() == "ENABLED"),
            },
            "SSESpecification": {"KMSMasterKeyId": key},
        })))
    }
}

fn index(one: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription) -> Value {
    let projection = one
        .projection()
        .and_then(|projection| projection.projection_type());
    json!({
        "IndexName": one.index_name(),
        "KeySchema": schema(one.key_schema()),
        "Projection": {"ProjectionType": projection.map(|kind| kind.as_str())},
    })
}

fn schema(keys: &[aws_sdk_dynamodb::types::KeySchemaElement]) -> Value {
    let one = |key: &aws_sdk_dynamodb::types::KeySchemaElement| json!({"AttributeName": key.attribute_name(), "KeyType": key.key_type().as_str()});
    keys.iter().map(one).collect()
}

/// Policies are JSON in a text; numbers stay texts.
fn read(text: String) -> Value {
    match text.starts_with('{') {
        true => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        false => Value::String(text),
    }
}
