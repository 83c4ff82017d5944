//! A deployed stack is compared with its template: on a local engine, with faults planted in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_aws::{Access, AwsSettings, Clients, Http};
use lattice_cloud::deploy::{Admin, CODE_BUCKET, FUNCTIONS, Stack};
use lattice_cloud::engine;
use lattice_infra::files;
use lattice_model::Secret;
use lattice_stack::{Report, examine_by};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// An engine may outlive this process, and have stacks of others.
static STACK: LazyLock<String> = LazyLock::new(|| format!("examined-{}", std::process::id()));

/// What the engine takes and does not do; the test does it by hand before it looks.
const UNDONE: &[&str] = &[
    "CompileFunction ReservedConcurrentExecutions",
    "SignalFunction ReservedConcurrentExecutions",
    "StartFunction ReservedConcurrentExecutions",
    "StepFunction RecursiveLoop",
    "StepFunction ReservedConcurrentExecutions",
    "StreamFunction ReservedConcurrentExecutions",
    "SweepFunction ReservedConcurrentExecutions",
    "Table PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
    "Table SSESpecification.KMSMasterKeyId",
    "Table TimeToLiveSpecification.AttributeName",
    "Table TimeToLiveSpecification.Enabled",
];

struct Deployed {
    admin: Admin,
    stack: Stack,
    clients: Clients,
}

impl Deployed {
    async fn new() -> Self {
        let endpoint = engine::endpoint();
        let admin = Admin::new(endpoint).unwrap();
        admin
            .put(&format!("/{CODE_BUCKET}"), Vec::new())
            .await
            .unwrap();
        for function in FUNCTIONS {
            // Nothing is called here.
            let path = format!("/{CODE_BUCKET}/{function}.zip");
            admin.put(&path, b"no program".to_vec()).await.unwrap();
        }
        let template = std::fs::read_to_string(files::root().join("infra/template.yaml")).unwrap();
        let issuer = "http://127.0.0.1:1/".to_owned();
        let known = [
            ("JwtIssuer", issuer.clone()),
            ("JwtAudience", "lattice".to_owned()),
            ("JwksUrl", issuer),
        ];
        let stack = Stack::deploy(&admin, &STACK, &template, &known)
            .await
            .unwrap();
        let clients = Self::clients();
        Self {
            admin,
            stack,
            clients,
        }
    }

    fn clients() -> Clients {
        let access = Access {
            key_id: "test".to_owned(),
            key: Secret::new("test".to_owned()),
            token: None,
        };
        let settings = AwsSettings {
            region: "us-east-1".to_owned(),
            endpoint: Some(engine::endpoint().to_owned()),
            access,
            attempts: 3,
        };
        Clients::new(&settings, Http::new())
    }

    async fn report(&self) -> Report {
        examine_by(self.clients.sdk(), &STACK).await.unwrap()
    }

    /// What is found, as `resource setting`.
    async fn found(&self) -> Vec<String> {
        let findings = self.report().await.findings;
        findings
            .iter()
            .map(|one| format!("{} {}", one.resource, one.setting))
            .collect()
    }

    async fn put_function(&self, version: &str, function: &str, what: &str, body: Value) {
        let path = format!("/{version}/functions/{}-{function}/{what}", *STACK);
        self.admin
            .rest("lambda", "PUT", &path, &body)
            .await
            .unwrap();
    }

    fn physical(&self, logical: &str) -> &str {
        let mut all = self.stack.resources.iter();
        &all.find(|one| one.logical == logical).unwrap().physical
    }

    /// Does what the engine leaves undone.
    async fn finish(&self) {
        for function in FUNCTIONS {
            let reserved = match function {
                "compile" => 5,
                "stream" => 20,
                "sweep" => 1,
                _ => 10,
            };
            let body = json!({"ReservedConcurrentExecutions": reserved});
            self.put_function("2017-10-31", function, "concurrency", body)
                .await;
        }
        let allow = json!({"RecursiveLoop": "Allow"});
        self.put_function("2024-08-31", "step", "recursion-config", allow)
            .await;
        let table = self.physical("Table");
        let expiry = json!({"TableName": table, "TimeToLiveSpecification": {"Enabled": true, "AttributeName": "exp"}});
        self.admin
            .json("DynamoDB_20120810.UpdateTimeToLive", &expiry)
            .await
            .unwrap();
        let recovery = json!({"TableName": table, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
        self.admin
            .json("DynamoDB_20120810.UpdateContinuousBackups", &recovery)
            .await
            .unwrap();
    }
}

/// What is planted, as `resource setting`, but for the role that loses its policy.
const PLANTED: &[&str] = &[
    "ApiMayInvokeCompile AWS::Lambda::Permission",
    "ApiMayInvokeSignal AWS::Lambda::Permission",
    "SignalFunction AWS::Lambda::Function",
    "StartFunction Environment.Variables.LATTICE_TABLE",
    "StepMapping ScalingConfig.MaximumConcurrency",
    "StepsDeadPolicy AWS::SQS::QueuePolicy",
    "StepsQueue VisibilityTimeout",
    "StreamFunctionUrl InvokeMode",
    "SweepRole ManagedPolicyArns",
    "SweepRole dynamodb:Scan",
    "Table TimeToLiveSpecification.Enabled",
];

impl Deployed {
    async fn plant(&self) {
        self.plant_permissions().await;
        let (admin, queue) = (&self.admin, self.physical("StepsQueue"));
        let attributes = json!({"Attributes": {"VisibilityTimeout": "30"}});
        admin
            .queue("SetQueueAttributes", queue, attributes)
            .await
            .unwrap();
        let attributes = json!({"Attributes": {"Policy": ""}});
        let dead = self.physical("StepsDead");
        admin
            .queue("SetQueueAttributes", dead, attributes)
            .await
            .unwrap();
        let mapping = format!(
            "/2015-03-31/event-source-mappings/{}",
            self.physical("StepMapping")
        );
        let body = json!({"ScalingConfig": {"MaximumConcurrency": 3}});
        admin.rest("lambda", "PUT", &mapping, &body).await.unwrap();
        self.stack
            .change("start", &[("LATTICE_TABLE", None)])
            .await
            .unwrap();
        let url = format!("/2021-10-31/functions/{}-stream/url?Qualifier=live", *STACK);
        let body = json!({"InvokeMode": "BUFFERED"});
        admin.rest("lambda", "PUT", &url, &body).await.unwrap();
        let function = format!("/2015-03-31/functions/{}-signal", *STACK);
        admin
            .rest("lambda", "DELETE", &function, &Value::Null)
            .await
            .unwrap();
        let expiry = json!({
            "TableName": self.physical("Table"),
            "TimeToLiveSpecification": {"Enabled": false, "AttributeName": "exp"},
        });
        admin
            .json("DynamoDB_20120810.UpdateTimeToLive", &expiry)
            .await
            .unwrap();
    }

    async fn plant_permissions(&self) {
        let iam = async |fields: &[(&str, &str)]| self.admin.query("iam", fields).await.unwrap();
        let step = self.physical("StepRole");
        iam(&[
            ("Action", "DeleteRolePolicy"),
            ("RoleName", step),
            ("PolicyName", "step"),
        ])
        .await;
        let sweep = self.physical("SweepRole");
        let more = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:Scan","Resource":"*"}}"#;
        let fields = [
            ("Action", "PutRolePolicy"),
            ("RoleName", sweep),
            ("PolicyName", "more"),
            ("PolicyDocument", more),
        ];
        iam(&fields).await;
        let all = "arn:aws:iam::aws:policy/AdministratorAccess";
        iam(&[
            ("Action", "AttachRolePolicy"),
            ("RoleName", sweep),
            ("PolicyArn", all),
        ])
        .await;
        let policy = format!("/2015-03-31/functions/{}-compile/policy", *STACK);
        let asked = format!("{policy}?Qualifier=live");
        let found = self
            .admin
            .rest("lambda", "GET", &asked, &Value::Null)
            .await
            .unwrap();
        let found: Value = serde_json::from_str(found["Policy"].as_str().unwrap()).unwrap();
        let sid = found["Statement"][0]["Sid"].as_str().unwrap();
        let gone = format!("{policy}/{sid}?Qualifier=live");
        self.admin
            .rest("lambda", "DELETE", &gone, &Value::Null)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_stack_is_as_its_template_says_or_each_difference_is_named() {
    let deployed = Deployed::new().await;
    assert_eq!(deployed.found().await, UNDONE);
    deployed.finish().await;
    assert_eq!(
        deployed.found().await,
        ["Table SSESpecification.KMSMasterKeyId"]
    );
    deployed.plant().await;
    let report = deployed.report().await;
    let (lost, others): (Vec<_>, Vec<_>) = report
        .findings
        .iter()
        .partition(|one| one.resource == "StepRole");
    let others = others
        .iter()
        .map(|one| format!("{} {}", one.resource, one.setting));
    let others: Vec<String> = others
        .filter(|one| !one.contains("SSESpecification"))
        .collect();
    assert_eq!(others, PLANTED, "{report:#?}");
    for action in [
        "sqs:DeleteMessage",
        "dynamodb:PutItem",
        "secretsmanager:GetSecretValue",
        "kms:Decrypt",
    ] {
        let one = lost.iter().find(|one| one.setting == action).expect(action);
        assert!(one.text.starts_with("is missing: "), "{one:?}");
    }
    assert!(report.resources > 100 && report.asked >= 20, "{report:?}");
}

#[tokio::test]
async fn a_stack_that_is_not_there_is_said_to_be_none() {
    let clients = Deployed::clients();
    let error = examine_by(clients.sdk(), "nowhere").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no stack `nowhere` in this region of this account"
    );
}
