//! A deployed stack is compared with its template: on a local engine, with faults planted in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_aws::{Access, AwsSettings, Clients, Http};
use lattice_cloud::deploy::{Admin, CODE_BUCKET, FUNCTIONS, Stack};
use lattice_cloud::engine;
use lattice_infra::files;
use lattice_model::Secret;
use lattice_stack::{Report, examine_by};
use serde_json::{Value, json};

const STACK: &str = "examined";

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
        let stack = Stack::deploy(&admin, STACK, &template, &known)
            .await
            .unwrap();
        let access = Access {
            key_id: "test".to_owned(),
            key: Secret::new("test".to_owned()),
            token: None,
        };
        let settings = AwsSettings {
            region: "us-east-1".to_owned(),
            endpoint: Some(endpoint.to_owned()),
            access,
            attempts: 3,
        };
        let clients = Clients::new(&settings, Http::new());
        Self {
            admin,
            stack,
            clients,
        }
    }

    async fn report(&self) -> Report {
        examine_by(self.clients.sdk(), STACK).await.unwrap()
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
        let path = format!("/{version}/functions/{STACK}-{function}/{what}");
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

#[tokio::test]
async fn a_stack_is_as_its_template_says_or_each_difference_is_named() {
    let deployed = Deployed::new().await;
    println!("{:#?}", deployed.report().await);
    assert_eq!(deployed.found().await, UNDONE);
    deployed.finish().await;
    println!("{:#?}", deployed.report().await);
}
