//! Performs model calls with the provider that the settings chose.

use crate::config::{ConfigError, Models, ProviderConfig, ProviderKind};
use crate::mock::{Mock, Script};
use crate::openai::{Dialect, OpenAi};
use crate::outcome::Ask;
use crate::telling::Telling;
use lattice_expr::{Part, Rendered};
use lattice_ir::{CallDone, CallOutcome, CallRequest, EffectRequest, ModelRequest};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::{Secret, Tenant};
use lattice_policy::Redactor;
use lattice_ports::{LiveText, Performer, PortError, Secrets};
use serde_json::Value;
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// The performer of model calls.
#[derive(Debug)]
pub struct Provider<S> {
    adapter: Adapter,
    models: Models,
    secrets: S,
    redactor: Redactor,
}

#[derive(Debug)]
enum Adapter {
    Mock(Mock),
    OpenAi(OpenAi),
}

impl<S: Secrets> Provider<S> {
    /// Makes the chosen provider ready: reads the mock's script, or makes the HTTP client. Nothing
    /// is sent yet.
    pub fn new(config: ProviderConfig, secrets: S) -> Result<Self, ConfigError> {
        let key = config.api_key.clone();
        let adapter = match &config.kind {
            ProviderKind::Mock { seed, script } => {
                let script = script.as_deref().map(Script::read).transpose()?;
                Adapter::Mock(Mock::new(*seed, script.unwrap_or_default()))
            }
            ProviderKind::OpenAi { base_url } => {
                Adapter::OpenAi(OpenAi::new(Dialect::OpenAi, base_url, key.as_ref())?)
            }
            ProviderKind::OpenAiCompatible { base_url } => {
                Adapter::OpenAi(OpenAi::new(Dialect::Compatible, base_url, key.as_ref())?)
            }
        };
        let redactor = Redactor::with_values(key);
        Ok(Self {
            adapter,
            models: config.models,
            secrets,
            redactor,
        })
    }

    /// Lets the redactor know more secrets than the provider's key and those that a call resolves.
    #[must_use]
    pub fn with_known_secrets(mut self, values: impl IntoIterator<Item = Secret<String>>) -> Self {
        self.redactor = self.redactor.and_values(values);
        self
    }

    async fn ask(
        &self,
        request: &CallRequest,
        model: &ModelRequest,
        live: &dyn LiveText,
    ) -> CallOutcome {
        let mut used = Vec::new();
        let started = Instant::now();
        let limit = Duration::from_millis(request.timeout_ms);
        let prepared = tokio::time::timeout(limit, self.prepare(request, model, &mut used)).await;
        let mut ask = match prepared {
            Ok(Ok(ask)) => ask,
            Ok(Err(failure)) => {
                return Err((redact_failure(&self.redactor, failure), Usage::default()));
            }
            Err(_) => {
                let message = "the secret store did not answer in time";
                return Err((
                    Failure::new(FailureKind::Timeout, message),
                    Usage::default(),
                ));
            }
        };
        ask.timeout = limit.saturating_sub(started.elapsed());
        let redactor = match used.is_empty() {
            true => self.redactor.clone(),
            false => self.redactor.and_values(used),
        };
        // The fields of a value can be redacted only when the whole value is there.
        let mut telling = match &model.output_schema {
            None => Telling::new(live, redactor.clone()),
            Some(_) => Telling::nobody(),
        };
        let outcome = match &self.adapter {
            Adapter::Mock(mock) => mock.answer(&ask, &mut telling).await,
            Adapter::OpenAi(openai) => openai.answer(&ask, &mut telling).await,
        };
        redact(&redactor, model, outcome)
    }

    async fn prepare<'a>(
        &self,
        request: &'a CallRequest,
        model: &'a ModelRequest,
        used: &mut Vec<Secret<String>>,
    ) -> Result<Ask<'a>, Failure> {
        let system = match &model.system {
            Some(system) => Some(self.fill(&request.tenant, system, used).await?),
            None => None,
        };
        let name = match &self.adapter {
            Adapter::Mock(_) => self.models.resolve(&model.model).unwrap_or_else(|_| {
                // The mock has no models, so a class without one is no mistake.
                format!("mock-{}", model.model)
            }),
            Adapter::OpenAi(_) => self.models.resolve(&model.model)?,
        };
        Ok(Ask {
            stage: &request.stage,
            attempt: request.attempt,
            key: request.key,
            timeout: Duration::from_millis(request.timeout_ms),
            model: name,
            system,
            prompt: self.fill(&request.tenant, &model.prompt, used).await?,
            request: model,
        })
    }

    /// Puts the secrets in. The mock sends nothing, so for it they stay references.
    async fn fill(
        &self,
        tenant: &Tenant,
        text: &Rendered,
        used: &mut Vec<Secret<String>>,
    ) -> Result<Secret<String>, Failure> {
        if matches!(self.adapter, Adapter::Mock(_)) {
            return Ok(Secret::new(text.to_display()));
        }
        let mut filled = String::new();
        for part in &text.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Secret(name) => {
                    let value = self
                        .secrets
                        .resolve(tenant, name)
                        .await
                        .map_err(secret_failure)?;
                    filled.push_str(value.expose());
                    used.push(value);
                }
            }
        }
        Ok(Secret::new(filled))
    }
}

impl<S: Secrets> Performer for Provider<S> {
    async fn perform(&self, request: CallRequest, live: &dyn LiveText) -> CallOutcome {
        let EffectRequest::Model(model) = &request.effect;
        self.ask(&request, model, live).await
    }
}

fn secret_failure(error: PortError) -> Failure {
    match error {
        PortError::Unavailable { .. } => {
            Failure::new(FailureKind::ProviderUnavailable, error.to_string())
        }
        PortError::Missing { name, help, .. } => Failure::new(
            FailureKind::Configuration,
            format!("the prompt needs the secret `{name}`, which is not set; {help}"),
        ),
        other => Failure::new(FailureKind::Configuration, other.to_string()),
    }
}

fn redact(redactor: &Redactor, request: &ModelRequest, outcome: CallOutcome) -> CallOutcome {
    match outcome {
        Ok(done) => Ok(CallDone {
            text: redact_answer(redactor, request, done.text),
            model: redactor.redact_text(&done.model).into_owned(),
            finish: redactor.redact_text(&done.finish).into_owned(),
            ..done
        }),
        Err((failure, usage)) => Err((redact_failure(redactor, failure), usage)),
    }
}

/// An answer that is JSON is redacted as a value, so that field names count too.
fn redact_answer(redactor: &Redactor, request: &ModelRequest, text: String) -> String {
    if request.output_schema.is_some()
        && let Ok(value) = serde_json::from_str::<Value>(&text)
    {
        let redacted = redactor.redact_value(value.clone());
        return if redacted == value {
            text
        } else {
            redacted.to_string()
        };
    }
    redactor.redact_text(&text).into_owned()
}

/// The failure with its message redacted.
fn redact_failure(redactor: &Redactor, mut failure: Failure) -> Failure {
    if let Cow::Owned(message) = redactor.redact_text(&failure.message) {
        failure.message = message;
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_all_but_the_secret() {
        let message = format!("refused key sk-{}", "aB3dE5fG7h".repeat(4));
        let failure = Failure::new(FailureKind::Auth, message).after(Some(7));
        let redacted = redact_failure(&Redactor::new(), failure);
        assert_eq!(redacted.message, "refused key [redacted:openai-key]");
        assert_eq!(redacted.kind, FailureKind::Auth);
        assert_eq!(redacted.retry_after_ms, Some(7));
    }
}
