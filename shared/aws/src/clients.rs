//! The clients of a process, made once. Only what is asked for is made, and linked.

use crate::counter::Counter;
use crate::http::Http;
use crate::queue::SqsQueue;
use crate::schedules::{AwsSchedules, ScheduleSettings};
use crate::secrets::AwsSecrets;
use crate::store::{AwsStore, StoreSettings};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use lattice_model::Secret;
use lattice_model::limits::{
    CLOUD_ATTEMPT_MS_MAX, CLOUD_ATTEMPTS_MAX, CLOUD_CALL_MS_MAX, CLOUD_CONNECT_MS_MAX,
};
use std::time::Duration;

/// Whose calls they are.
#[derive(Debug, Clone)]
pub struct Access {
    /// The id of the key.
    pub key_id: String,
    /// The key.
    pub key: Secret<String>,
    /// The token of a role's session.
    pub token: Option<Secret<String>>,
}

/// Where AWS is, and who calls.
#[derive(Debug, Clone)]
pub struct AwsSettings {
    /// The region.
    pub region: String,
    /// Another place than AWS's own, such as a local engine.
    pub endpoint: Option<String>,
    /// Who calls.
    pub access: Access,
    /// Attempts at one call, the first included: `CLOUD_ATTEMPTS_MAX` unless a test wants to see
    /// what the callers do.
    pub attempts: u32,
}

impl AwsSettings {
    /// Reads what Lambda puts into the environment of a function: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; and `AWS_ENDPOINT_URL`. The error is the name
    /// of the first that is missing.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, &'static str> {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let needed = |name: &'static str| variable(name).ok_or(name);
        let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
        Ok(Self {
            region: region.ok_or("AWS_REGION")?,
            endpoint: variable("AWS_ENDPOINT_URL"),
            access: Access {
                key_id: needed("AWS_ACCESS_KEY_ID")?,
                key: Secret::new(needed("AWS_SECRET_ACCESS_KEY")?),
                token: variable("AWS_SESSION_TOKEN").map(Secret::new),
            },
            attempts: CLOUD_ATTEMPTS_MAX,
        })
    }
}

/// What the clients of a process share: settings, connections, counts. Clones are the same.
#[derive(Debug, Clone)]
pub struct Clients {
    config: SdkConfig,
    at_endpoint: bool,
    counter: Counter,
}

impl Clients {
    /// Makes nothing yet but the settings: no file is read and nobody is called.
    pub fn new(settings: &AwsSettings, http: Http) -> Self {
        let counter = http.counter().clone();
        let access = &settings.access;
        let credentials = Credentials::new(
            &access.key_id,
            access.key.expose(),
            access.token.as_ref().map(|token| token.expose().clone()),
            None,
            "environment",
        );
        let mut config = SdkConfig::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(Region::new(settings.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(retries(settings.attempts))
            .timeout_config(timeouts())
            .http_client(http);
        config.set_endpoint_url(settings.endpoint.clone());
        Self {
            config: config.build(),
            at_endpoint: settings.endpoint.is_some(),
            counter,
        }
    }

    /// What these clients have asked for so far.
    pub fn counter(&self) -> &Counter {
        &self.counter
    }

    /// The SDK's own settings, for a client that this crate does not make.
    pub fn sdk(&self) -> &SdkConfig {
        &self.config
    }

    /// Everything durable.
    pub fn store(&self, settings: &StoreSettings) -> AwsStore {
        let table = aws_sdk_dynamodb::Client::new(&self.config);
        AwsStore::new(table, self.bucket(), self.counter.clone(), settings)
    }

    fn bucket(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(&self.config);
        // A local engine has no name for each bucket.
        let config = config.force_path_style(self.at_endpoint);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    /// The queue of steps.
    pub fn queue(&self, url: impl Into<String>) -> SqsQueue {
        SqsQueue::new(aws_sdk_sqs::Client::new(&self.config), url.into())
    }

    /// The tenants' secrets: that of `acme` named `HOOK` is `<prefix>/acme/HOOK`.
    pub fn secrets(&self, prefix: impl Into<String>) -> AwsSecrets {
        let client = aws_sdk_secretsmanager::Client::new(&self.config);
        AwsSecrets::new(client, prefix.into())
    }

    /// The clock that fires schedules.
    pub fn schedules(&self, settings: ScheduleSettings) -> AwsSchedules {
        AwsSchedules::new(aws_sdk_scheduler::Client::new(&self.config), settings)
    }
}

/// Few and short: whoever calls has patience of his own, and knows what can be decided anew.
fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(50))
        .with_max_backoff(Duration::from_millis(500))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(CLOUD_CONNECT_MS_MAX))
        .operation_attempt_timeout(Duration::from_millis(CLOUD_ATTEMPT_MS_MAX))
        .operation_timeout(Duration::from_millis(CLOUD_CALL_MS_MAX))
        .build()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    fn environment(without: &'static str) -> impl Fn(&str) -> Option<String> {
        move |name| match name {
            name if name == without => None,
            "AWS_REGION" => Some("eu-west-1".to_owned()),
            "AWS_ACCESS_KEY_ID" => Some("id".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("canary".to_owned()),
            "AWS_SESSION_TOKEN" => Some("canary".to_owned()),
            "AWS_ENDPOINT_URL" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn settings_are_what_lambda_gives_a_function() {
        let settings = AwsSettings::read(environment("")).unwrap();
        assert_eq!(
            (settings.region.as_str(), settings.endpoint.as_ref()),
            ("eu-west-1", None)
        );
        assert!(!format!("{settings:?}").contains("canary"));
        for name in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            assert_eq!(AwsSettings::read(environment(name)).unwrap_err(), name);
        }
        assert!(AwsSettings::read(environment("AWS_SESSION_TOKEN")).is_ok());
    }
}
