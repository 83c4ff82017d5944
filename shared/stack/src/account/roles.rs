//! Roles: their policies, and what bounds them.

use super::{StackError, answer};
use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

pub(super) struct Roles(Client);

impl Roles {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    pub(super) async fn role(&self, name: &str) -> Result<Option<Value>, StackError> {
        let asked = self.0.get_role().role_name(name).send().await;
        let Some(found) = answer("iam:GetRole", asked)? else {
            return Ok(None);
        };
        let boundary = found.role.and_then(|role| role.permissions_boundary);
        let boundary = boundary.and_then(|one| one.permissions_boundary_arn);
        let asked = self.0.list_role_policies().role_name(name).send().await;
        let names = answer("iam:ListRolePolicies", asked)?.map(|found| found.policy_names);
        let mut policies = Vec::new();
        for policy in names.unwrap_or_default() {
            let asked = self
                .0
                .get_role_policy()
                .role_name(name)
                .policy_name(policy)
                .send()
                .await;
            if let Some(found) = answer("iam:GetRolePolicy", asked)? {
                policies.push(json!({"PolicyDocument": document(&found.policy_document)}));
            }
        }
        let asked = self
            .0
            .list_attached_role_policies()
            .role_name(name)
            .send()
            .await;
        let attached = answer("iam:ListAttachedRolePolicies", asked)?
            .and_then(|found| found.attached_policies);
        let attached: Vec<Value> = attached
            .unwrap_or_default()
            .into_iter()
            .map(|one| json!(one.policy_arn))
            .collect();
        Ok(Some(json!({
            "Policies": policies, "ManagedPolicyArns": attached, "PermissionsBoundary": boundary,
        })))
    }
}

/// IAM gives policies as JSON in the form of a URL's part.
fn document(text: &str) -> Value {
    let text = percent_decode_str(text).decode_utf8_lossy();
    serde_json::from_str(&text).unwrap_or_default()
}
