//! Functions, and how they are called.

use super::{StackError, answer};
use crate::facts::Facts;
use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use serde_json::{Map, Value, json};

/// The alias by which everybody calls a function.
const ALIAS: &str = "live";

pub(super) struct Functions(Client);

impl Functions {
    pub(super) fn new(config: &SdkConfig) -> Self {
        Self(Client::new(config))
    }

    /// With an alias, what counts is the version behind it.
    pub(super) async fn function(
        &self,
        name: &str,
        alias: bool,
    ) -> Result<Option<Value>, StackError> {
        let ask = self.0.get_function_configuration().function_name(name);
        let asked = ask
            .set_qualifier(alias.then(|| ALIAS.to_owned()))
            .send()
            .await;
        let Some(found) = answer("lambda:GetFunctionConfiguration", asked)? else {
            return Ok(None);
        };
        let asked = self
            .0
            .get_function_concurrency()
            .function_name(name)
            .send()
            .await;
        let reserved = answer("lambda:GetFunctionConcurrency", asked)?
            .and_then(|found| found.reserved_concurrent_executions);
        let asked = self
            .0
            .get_function_recursion_config()
            .function_name(name)
            .send()
            .await;
        let recursion = answer("lambda:GetFunctionRecursionConfig", asked)?
            .and_then(|found| found.recursive_loop)
            .map(|one| one.as_str().to_owned());
        let variables = found
            .environment
            .and_then(|one| one.variables)
            .unwrap_or_default();
        let variables: Map<String, Value> = variables
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect();
        let architectures: Vec<&str> = found
            .architectures
            .iter()
            .flatten()
            .map(|one| one.as_str())
            .collect();
        Ok(Some(json!({
            "Runtime": found.runtime.map(|one| one.as_str().to_owned()),
            "Handler": found.handler,
            "Role": found.role,
            "Timeout": found.timeout,
            "MemorySize": found.memory_size,
            "Architectures": architectures,
            "Environment": {"Variables": variables},
            "ReservedConcurrentExecutions": reserved,
            "RecursiveLoop": recursion,
        })))
    }

    pub(super) async fn mapping(&self, id: &str) -> Result<Option<Value>, StackError> {
        let asked = self.0.get_event_source_mapping().uuid(id).send().await;
        let Some(found) = answer("lambda:GetEventSourceMapping", asked)? else {
            return Ok(None);
        };
        let most = found.scaling_config.and_then(|one| one.maximum_concurrency);
        let kinds: Vec<&str> = found
            .function_response_types
            .iter()
            .flatten()
            .map(|one| one.as_str())
            .collect();
        let on = found
            .state
            .is_some_and(|state| ["Enabled", "Enabling"].contains(&state.as_str()));
        Ok(Some(json!({
            "Enabled": on,
            "BatchSize": found.batch_size,
            "EventSourceArn": found.event_source_arn,
            "FunctionName": found.function_arn,
            "FunctionResponseTypes": kinds,
            "ScalingConfig": {"MaximumConcurrency": most},
        })))
    }

    pub(super) async fn url(&self, alias_arn: &str) -> Result<Option<Value>, StackError> {
        let (function, qualifier) = split(alias_arn);
        let ask = self
            .0
            .get_function_url_config()
            .function_name(function)
            .qualifier(qualifier);
        let found = answer("lambda:GetFunctionUrlConfig", ask.send().await)?;
        Ok(found.map(|found| {
            json!({
                "AuthType": found.auth_type.as_str(),
                "InvokeMode": found.invoke_mode.map(|one| one.as_str().to_owned()),
            })
        }))
    }

    /// Who may call a function: the statement that CloudFormation wrote under the resource's name.
    pub(super) async fn permission(
        &self,
        facts: &Facts,
        name: &str,
        id: &str,
    ) -> Result<Option<Value>, StackError> {
        let Some(function) = function_of(name) else {
            return Ok(Some(Value::Null));
        };
        let alias = facts.resources.get(&format!("{function}Aliaslive"));
        let (function, qualifier) = split(alias.map_or("", |one| one.physical.as_str()));
        let ask = self
            .0
            .get_policy()
            .function_name(function)
            .qualifier(qualifier);
        let found = answer("lambda:GetPolicy", ask.send().await)?.and_then(|found| found.policy);
        let policy: Value =
            serde_json::from_str(found.as_deref().unwrap_or("{}")).unwrap_or_default();
        let ours = |statement: &&Value| {
            let sid = statement["Sid"].as_str().unwrap_or_default();
            sid == id || sid.contains(name)
        };
        let statement = policy["Statement"]
            .as_array()
            .into_iter()
            .flatten()
            .find(ours);
        Ok(statement.map(shape))
    }
}

/// `SweepRuleMayInvoke`, `ApiMayInvokeStart` and the two of the stream's address name their function.
fn function_of(permission: &str) -> Option<String> {
    if let Some(name) = permission.strip_prefix("ApiMayInvoke") {
        return Some(format!("{name}Function"));
    }
    if let Some(name) = permission.strip_suffix("RuleMayInvoke") {
        return Some(format!("{name}Function"));
    }
    permission
        .starts_with("StreamFunction")
        .then(|| "StreamFunction".to_owned())
}

/// A statement of a function's policy in the form of the template.
fn shape(statement: &Value) -> Value {
    let principal = &statement["Principal"];
    let who = principal
        .get("Service")
        .or_else(|| principal.get("AWS"))
        .unwrap_or(principal);
    let mut made = json!({"Action": statement["Action"], "Principal": who});
    let source = ["ArnLike", "ArnEquals", "StringEquals"]
        .iter()
        .find_map(|test| {
            statement["Condition"][*test]
                .get("AWS:SourceArn")
                .or_else(|| statement["Condition"][*test].get("aws:SourceArn"))
        });
    if let (Some(source), Some(map)) = (source, made.as_object_mut()) {
        map.insert("SourceArn".to_owned(), source.clone());
    }
    made
}

/// The function and the alias of `arn:..:function:NAME:ALIAS`.
fn split(alias_arn: &str) -> (String, String) {
    match alias_arn.rsplit_once(':') {
        Some((function, alias)) => (function.to_owned(), alias.to_owned()),
        None => (alias_arn.to_owned(), ALIAS.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{function_of, shape, split};
    use serde_json::json;

    #[test]
    fn a_permission_names_its_function() {
        let names = [
            "ApiMayInvokeStart",
            "SweepRuleMayInvoke",
            "StreamFunctionUrlPublicPermissions",
            "Other",
        ];
        let found: Vec<_> = names.iter().filter_map(|name| function_of(name)).collect();
        assert_eq!(found, ["StartFunction", "SweepFunction", "StreamFunction"]);
        assert_eq!(split("arn:aws:lambda:r:1:function:s-start:live").1, "live");
    }

    #[test]
    fn a_statement_is_shaped_as_the_template_says_it() {
        let statement = json!({
            "Sid": "s", "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction", "Resource": "x",
            "Condition": {"ArnLike": {"AWS:SourceArn": "arn"}},
        });
        let wanted = json!({"Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com", "SourceArn": "arn"});
        assert_eq!(shape(&statement), wanted);
    }
}
