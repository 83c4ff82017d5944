//! The stack: the template as it stands in the repository, deployed through CloudFormation.

use super::admin::{Admin, AdminError, elements};
use super::bootstraps::FUNCTIONS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a stack, or a function that is changed, may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
/// Where the functions' packages are put.
pub const CODE_BUCKET: &str = "lattice-code";
/// The alias through which the template has every function called.
const ALIAS: &str = "live";

/// Why there is no stack.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// The engine refuses.
    #[error(transparent)]
    Admin(#[from] AdminError),
    /// It was not made.
    #[error("the stack is `{status}`: {reasons}")]
    Failed {
        /// What became of it.
        status: String,
        /// What its resources say.
        reasons: String,
    },
    /// A line of the template names no package that is known.
    #[error("the template's line `{0}` names none of the functions")]
    Code(String),
    /// The template wants to be told something that nobody here knows.
    #[error(
        "the template's parameter `{0}` has no default, and the cloud test has no value for it"
    )]
    Parameter(String),
    /// The stack lacks something.
    #[error("the stack has no {0}")]
    Missing(String),
    /// A function does not get ready.
    #[error("the function `{0}` does not get ready")]
    NotReady(String),
}

/// A resource that was made.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name in the template.
    pub logical: String,
    /// Its name in the account.
    pub physical: String,
    /// `AWS::..`
    pub kind: String,
}

/// A deployed stack.
#[derive(Debug)]
pub struct Stack {
    admin: Admin,
    /// What it is made of.
    pub resources: Vec<Resource>,
    functions: BTreeMap<&'static str, String>,
}

impl Stack {
    /// Deploys the template. Parameters that it does not have are left out.
    pub async fn deploy(
        admin: &Admin,
        name: &str,
        template: &str,
        known: &[(&str, String)],
    ) -> Result<Self, StackError> {
        let template = with_packages(template)?;
        // By its address: a body may have 51,200 bytes, and ours has more.
        let key = format!("/{CODE_BUCKET}/{name}.yaml");
        let url = format!("http://{}{key}", admin.authority());
        admin.put(&key, template.clone().into_bytes()).await?;
        let asked = [("Action", "GetTemplateSummary"), ("TemplateURL", &url)];
        let summary = admin.query("cloudformation", &asked).await?;
        let mut fields: Vec<(String, String)> = Vec::new();
        for parameter in elements(&summary, "ParameterKey") {
            let Some((_, value)) = known.iter().find(|(name, _)| *name == parameter) else {
                if has_default(&template, &parameter) {
                    continue;
                }
                return Err(StackError::Parameter(parameter));
            };
            let member = format!("Parameters.member.{}", fields.len() / 2 + 1);
            fields.push((format!("{member}.ParameterKey"), parameter));
            fields.push((format!("{member}.ParameterValue"), value.clone()));
        }
        let mut request = vec![
            ("Action", "CreateStack"),
            ("StackName", name),
            ("TemplateURL", &url),
            ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
            ("Capabilities.member.2", "CAPABILITY_AUTO_EXPAND"),
        ];
        request.extend(fields.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        admin.query("cloudformation", &request).await?;
        finished(admin, name).await?;
        let asked = [("Action", "DescribeStackResources"), ("StackName", name)];
        let resources = resources(&admin.query("cloudformation", &asked).await?);
        let functions = functions(&resources)?;
        Ok(Self {
            admin: admin.clone(),
            resources,
            functions,
        })
    }

    /// The only resource of this kind.
    pub fn only(&self, kind: &str) -> Result<&str, StackError> {
        let mut found = self.resources.iter().filter(|one| one.kind == kind);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(&one.physical),
            _ => Err(StackError::Missing(format!("single `{kind}`"))),
        }
    }

    /// The name in the account of one of our functions.
    pub fn function(&self, name: &str) -> Result<&str, StackError> {
        let found = self.functions.get(name).map(String::as_str);
        found.ok_or_else(|| StackError::Missing(format!("function `{name}`")))
    }

    /// The environment of a function.
    pub async fn environment(&self, name: &str) -> Result<BTreeMap<String, String>, StackError> {
        let configuration = self.configuration(name).await?;
        let variables = configuration["Environment"]["Variables"].clone();
        Ok(serde_json::from_value(variables).unwrap_or_default())
    }

    /// Changes the environment of a function: sets a variable, or takes it away; then publishes that
    /// as a version and points the alias to it, by which everybody calls the function.
    pub async fn change(
        &self,
        name: &str,
        changes: &[(&str, Option<&str>)],
    ) -> Result<(), StackError> {
        let mut variables = self.environment(name).await?;
        for (variable, value) in changes {
            match value {
                Some(value) => variables.insert((*variable).to_owned(), (*value).to_owned()),
                None => variables.remove(*variable),
            };
        }
        let body = json!({"Environment": {"Variables": variables}});
        self.configure(name, &body).await
    }

    /// Sets a function's timeout in the same way; what it was.
    pub async fn set_timeout(&self, name: &str, seconds: u64) -> Result<u64, StackError> {
        let before = self.configuration(name).await?["Timeout"].as_u64();
        self.configure(name, &json!({ "Timeout": seconds })).await?;
        Ok(before.unwrap_or_default())
    }

    async fn configure(&self, name: &str, body: &Value) -> Result<(), StackError> {
        let path = self.path(name, "configuration")?;
        self.admin.rest("lambda", "PUT", &path, body).await?;
        self.ready(name).await?;
        let path = self.path(name, "versions")?;
        let version = self.admin.rest("lambda", "POST", &path, &json!({})).await?;
        let path = self.path(name, &format!("aliases/{ALIAS}"))?;
        let body = json!({"FunctionVersion": version["Version"]});
        self.admin.rest("lambda", "PUT", &path, &body).await?;
        Ok(())
    }

    /// Waits until a function can be called.
    pub async fn ready(&self, name: &str) -> Result<(), StackError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let now = self.configuration(name).await?;
            let updated = now["LastUpdateStatus"].as_str().unwrap_or("Successful");
            let state = now["State"].as_str().unwrap_or("Active");
            if (updated, state) == ("Successful", "Active") {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(StackError::NotReady(name.to_owned()))
    }

    /// Calls a function and gives its answer.
    pub async fn invoke(&self, name: &str, event: &Value) -> Result<Value, StackError> {
        let path = self.path(name, &format!("invocations?Qualifier={ALIAS}"))?;
        Ok(self.admin.rest("lambda", "POST", &path, event).await?)
    }

    /// The address of a function's URL, without the scheme.
    pub async fn url_host(&self, name: &str) -> Result<String, StackError> {
        let path = format!(
            "/2021-10-31/functions/{}/url?Qualifier={ALIAS}",
            self.function(name)?
        );
        let url = self
            .admin
            .rest("lambda", "GET", &path, &Value::Null)
            .await?;
        let url = url["FunctionUrl"].as_str().unwrap_or_default();
        let host = url.trim_start_matches("https://").trim_end_matches('/');
        match host.is_empty() {
            true => Err(StackError::Missing(format!("URL of the function `{name}`"))),
            false => Ok(host.to_owned()),
        }
    }

    async fn configuration(&self, name: &str) -> Result<Value, StackError> {
        let path = self.path(name, "configuration")?;
        Ok(self
            .admin
            .rest("lambda", "GET", &path, &Value::Null)
            .await?)
    }

    fn path(&self, name: &str, what: &str) -> Result<String, StackError> {
        let function = self.function(name)?;
        Ok(format!("/2015-03-31/functions/{function}/{what}"))
    }
}

/// The template with each function's package where `Stack::deploy` expects it.
fn with_packages(template: &str) -> Result<String, StackError> {
    let mut lines = Vec::new();
    for line in template.lines() {
        let Some((before, path)) = line.split_once("CodeUri:") else {
            lines.push(line.to_owned());
            continue;
        };
        let parts: Vec<&str> = path.trim().split(['/', '.']).collect();
        let function = FUNCTIONS.iter().find(|function| parts.contains(function));
        let function = function.ok_or_else(|| StackError::Code(line.trim().to_owned()))?;
        lines.push(format!(
            "{before}CodeUri: s3://{CODE_BUCKET}/{function}.zip"
        ));
    }
    Ok(lines.join("\n"))
}

/// Whether the template has a default for the parameter: a line below its name, before the next
/// parameter.
fn has_default(template: &str, parameter: &str) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let name = format!("{parameter}:");
    let mut lines = template.lines();
    let Some(head) = lines.find(|line| line.trim_start().starts_with(&name)) else {
        return false;
    };
    head.contains("Default:")
        || lines
            .take_while(|line| line.trim().is_empty() || indent(line) > indent(head))
            .any(|line| line.trim_start().starts_with("Default:"))
}

async fn finished(admin: &Admin, name: &str) -> Result<(), StackError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let asked = [("Action", "DescribeStacks"), ("StackName", name)];
        let stacks = admin.query("cloudformation", &asked).await?;
        let status = elements(&stacks, "StackStatus").pop().unwrap_or_default();
        match status.as_str() {
            "CREATE_COMPLETE" => return Ok(()),
            "CREATE_IN_PROGRESS" if Instant::now() < deadline => sleep(POLL).await,
            _ => {
                let asked = [("Action", "DescribeStackEvents"), ("StackName", name)];
                let events = admin.query("cloudformation", &asked).await?;
                return Err(StackError::Failed {
                    status,
                    reasons: elements(&events, "ResourceStatusReason").join("; "),
                });
            }
        }
    }
}

fn resources(xml: &str) -> Vec<Resource> {
    let column = |name| elements(xml, name);
    let logical = column("LogicalResourceId").into_iter();
    let rows = logical
        .zip(column("PhysicalResourceId"))
        .zip(column("ResourceType"));
    rows.map(|((logical, physical), kind)| Resource {
        logical,
        physical,
        kind,
    })
    .collect()
}

/// Our functions among the resources: each is named after its program, perhaps with a word behind.
fn functions(resources: &[Resource]) -> Result<BTreeMap<&'static str, String>, StackError> {
    let mut found = BTreeMap::new();
    for function in FUNCTIONS {
        let names: BTreeSet<String> = ["", "function"]
            .iter()
            .map(|suffix| format!("{function}{suffix}"))
            .collect();
        let ours = |one: &&Resource| {
            one.kind == "AWS::Lambda::Function" && names.contains(&one.logical.to_lowercase())
        };
        let one = resources.iter().find(ours);
        let one = one.ok_or_else(|| StackError::Missing(format!("function `{function}`")))?;
        found.insert(function, one.physical.clone());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn packages_are_named_by_their_function() {
        let template = "a:\n  CodeUri: ../target/lambda/step/\n  b: c";
        let made = with_packages(template).unwrap();
        assert_eq!(made, "a:\n  CodeUri: s3://lattice-code/step.zip\n  b: c");
        assert!(with_packages("CodeUri: ../elsewhere/").is_err());
    }

    #[test]
    fn a_default_belongs_to_its_parameter() {
        let template = "Parameters:\n  A:\n    Type: String\n  B:\n    Type: String\n    Default: x\n  C: {Type: String, Default: y}\n";
        let found = ["A", "B", "C", "D"].map(|name| has_default(template, name));
        assert_eq!(found, [false, true, true, false]);
    }

    #[test]
    fn resources_are_read_row_by_row() {
        let row = |l: &str, p: &str, t: &str| {
            format!(
                "<member><LogicalResourceId>{l}</LogicalResourceId>\
                 <PhysicalResourceId>{p}</PhysicalResourceId>\
                 <ResourceType>{t}</ResourceType></member>"
            )
        };
        let kind = "AWS::Lambda::Function";
        let mut xml: String = FUNCTIONS
            .iter()
            .map(|f| row(f, &format!("p-{f}"), kind))
            .collect();
        xml += &row("Table", "t", "AWS::DynamoDB::Table");
        let found = resources(&xml);
        assert_eq!(found.len(), 7);
        assert_eq!(functions(&found).unwrap().get("step").unwrap(), "p-step");
        assert!(functions(found.get(1..).unwrap()).is_err());
    }
}
