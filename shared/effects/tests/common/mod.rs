//! Questions, providers and servers for the tests.
#![allow(dead_code, clippy::unwrap_used)]

use lattice_effects::{Ask, ChosenBy, EnvSecrets, Models, Provider, ProviderConfig, ProviderKind};
use lattice_expr::{Part, Rendered};
use lattice_ir::{CallOutcome, CallRequest, EffectRequest, ModelRequest};
use lattice_model::{Hash, Millis, RunId, Secret, StageId};
use lattice_model_server::{ModelServer, Options};
use lattice_ports::{LiveText, Performer, Unwatched};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The key that the provider is given.
pub const KEY: &str = "the-key-of-the-provider";

pub async fn server() -> ModelServer {
    ModelServer::start(Options::default()).await.unwrap()
}

/// An idempotency key.
pub fn key(number: u8) -> Hash {
    Hash::of(&[number])
}

/// Another one each time, so that the server takes each question for a new one.
fn fresh_key() -> Hash {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Hash::of_parts(&[
        b"fresh",
        &NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes(),
    ])
}

/// A provider for a local server; the classes small and medium have models.
pub fn compatible(base_url: &str, secrets: &[(&str, &str)]) -> Provider<EnvSecrets> {
    let config = ProviderConfig {
        kind: ProviderKind::OpenAiCompatible {
            base_url: base_url.to_owned(),
        },
        chosen_by: ChosenBy::Environment,
        api_key: Some(Secret::new(KEY.to_owned())),
        models: Models {
            small: Some("model-s".to_owned()),
            medium: Some("model-m".to_owned()),
            large: None,
        },
    };
    let named =
        |(name, value): &(&str, &str)| (format!("LATTICE_SECRET_{name}"), (*value).to_owned());
    Provider::new(
        config,
        EnvSecrets::new(&secrets.iter().map(named).collect()),
    )
    .unwrap()
}

pub struct Asking(pub CallRequest);

impl Asking {
    pub fn new(prompt: &str) -> Self {
        Self::parts(vec![Part::Text(prompt.to_owned())])
    }

    pub fn parts(parts: Vec<Part>) -> Self {
        Self(CallRequest {
            tenant: lattice_model::Tenant::local(),
            run: RunId::from_parts(Millis::new(1), [1; 10]),
            stage: StageId::new("ask"),
            attempt: 1,
            key: fresh_key(),
            timeout_ms: 20_000,
            lease_ms: 25_000,
            effect: EffectRequest::Model(ModelRequest {
                model: "small".to_owned(),
                system: None,
                prompt: Rendered { parts },
                output_schema: None,
                max_output_tokens: None,
                temperature_milli: None,
            }),
        })
    }

    fn request(&mut self) -> &mut ModelRequest {
        let EffectRequest::Model(request) = &mut self.0.effect;
        request
    }

    /// The question as an adapter gets it.
    pub fn ask(&self) -> Ask<'_> {
        let EffectRequest::Model(request) = &self.0.effect;
        Ask {
            stage: &self.0.stage,
            attempt: self.0.attempt,
            key: self.0.key,
            timeout: Duration::from_millis(self.0.timeout_ms),
            model: "model-s".to_owned(),
            system: None,
            prompt: Secret::new(request.prompt.to_display()),
            request,
        }
    }

    pub fn schema(mut self, schema: Value) -> Self {
        self.request().output_schema = Some(schema);
        self
    }

    pub fn model(mut self, model: &str) -> Self {
        self.request().model = model.to_owned();
        self
    }

    pub fn key(mut self, number: u8) -> Self {
        self.0.key = key(number);
        self
    }

    pub fn attempt(mut self, attempt: u32) -> Self {
        self.0.attempt = attempt;
        self
    }

    pub fn timeout_ms(mut self, timeout_ms: u64) -> Self {
        self.0.timeout_ms = timeout_ms;
        self
    }
}

pub async fn outcome(provider: &Provider<EnvSecrets>, asking: Asking) -> CallOutcome {
    provider.perform(asking.0, &Unwatched).await
}

/// The outcome, and what was told on the way.
pub async fn watched(
    provider: &Provider<EnvSecrets>,
    asking: Asking,
) -> (CallOutcome, Vec<String>) {
    let watcher = Watcher::default();
    let outcome = provider.perform(asking.0, &watcher).await;
    (outcome, watcher.told())
}

/// Watches, and keeps what it is told.
#[derive(Default)]
pub struct Watcher {
    looks_away: AtomicU64,
    texts: Mutex<Vec<String>>,
}

impl LiveText for Watcher {
    fn is_watched(&self) -> bool {
        let less = |left: u64| left.checked_sub(1);
        self.looks_away
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_err()
    }

    fn so_far(&self, text: &str) {
        self.texts.lock().unwrap().push(text.to_owned());
    }
}

impl Watcher {
    /// Looks away that many times before it begins to watch.
    pub fn after(looks: u64) -> Self {
        Self {
            looks_away: looks.into(),
            ..Self::default()
        }
    }

    /// What it was told, after a check that each text begins with the one before and adds to it.
    pub fn told(self) -> Vec<String> {
        let texts = self.texts.into_inner().unwrap();
        for pair in texts.windows(2) {
            assert!(pair[1].starts_with(&pair[0]) && pair[1].len() > pair[0].len());
        }
        texts
    }
}
