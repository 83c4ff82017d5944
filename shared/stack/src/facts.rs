//! What an account says of a stack.

use serde_json::Value;
use std::collections::BTreeMap;

/// Where a stack stands, and what it was made with.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its name.
    pub stack: String,
    /// `aws`, or that of another cloud of AWS.
    pub partition: String,
    /// The region.
    pub region: String,
    /// The account's number.
    pub account: String,
    /// The parameters that it was deployed with.
    pub parameters: BTreeMap<String, String>,
    /// Its resources by their names in the template.
    pub resources: BTreeMap<String, Deployed>,
}

/// A resource as it is.
#[derive(Debug, Clone, Default)]
pub struct Deployed {
    /// Its type.
    pub kind: String,
    /// Its name in the account.
    pub physical: String,
    /// What could be asked of it, in the form of the template's properties; `Null` where nothing is
    /// asked but whether it is there.
    pub properties: Value,
}

impl Facts {
    /// The address of a resource, where it can be told from its type and name.
    pub fn arn(&self, logical: &str) -> Option<String> {
        let one = self.resources.get(logical)?;
        let (partition, region, account) = (&self.partition, &self.region, &self.account);
        let name = one.physical.rsplit('/').next().unwrap_or_default();
        let at = |service: &str, place: String| {
            format!("arn:{partition}:{service}:{region}:{account}:{place}")
        };
        Some(match one.kind.as_str() {
            "AWS::DynamoDB::Table" => at("dynamodb", format!("table/{name}")),
            "AWS::SQS::Queue" => at("sqs", name.to_owned()),
            "AWS::KMS::Key" => at("kms", format!("key/{name}")),
            "AWS::Lambda::Function" => at("lambda", format!("function:{name}")),
            "AWS::Events::Rule" => at("events", format!("rule/{name}")),
            "AWS::Logs::LogGroup" => at("logs", format!("log-group:{}:*", one.physical)),
            "AWS::IAM::Role" => format!("arn:{partition}:iam::{account}:role/{name}"),
            "AWS::S3::Bucket" => format!("arn:{partition}:s3:::{name}"),
            _ => return None,
        })
    }
}
