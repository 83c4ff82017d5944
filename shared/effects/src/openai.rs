//! The chat completions protocol of OpenAI, which many servers speak: one question, a streamed
//! answer. Protocol: `POST {base}/chat/completions` of the OpenAI API reference, and server-sent
//! events of the WHATWG HTML standard, section 9.2.

mod failure;
mod read;
mod request;
mod sse;
mod verdict;

use crate::config::{ConfigError, base_url_of, is_loopback};
use crate::outcome::{Ask, estimate_input, estimate_tokens};
use crate::telling::Telling;
use failure::Peer;
use lattice_ir::{CallDone, CallOutcome};
use lattice_journal::{Failure, FailureKind, Usage};
use lattice_model::Secret;
use lattice_model::limits::{MODEL_CONNECT_MS_MAX, MODEL_STALL_MS_MAX};
use read::Reading;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Url, redirect};
use std::time::{Duration, Instant};

/// What differs between OpenAI's own service and the servers that speak its protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI: `max_completion_tokens`, because its newer models refuse the older word.
    OpenAi,
    /// Others: `max_tokens`, because it is the word that all of them know.
    Compatible,
}

/// A client of one server. Encrypted connections are kept and used again.
#[derive(Debug)]
pub struct OpenAi {
    client: Client,
    endpoint: Url,
    dialect: Dialect,
    host: String,
    stall_max: Duration,
}

impl OpenAi {
    /// Makes the client; nothing is sent yet. `base_url` goes up to `/v1`.
    pub fn new(
        dialect: Dialect,
        base_url: &str,
        api_key: Option<&Secret<String>>,
    ) -> Result<Self, ConfigError> {
        let base = base_url_of(base_url)?;
        let endpoint = format!("{}/chat/completions", base.as_str().trim_end_matches('/'));
        let endpoint = base_url_of(&endpoint)?;
        let mut headers = HeaderMap::new();
        if let Some(key) = api_key {
            let bearer = format!("Bearer {}", key.expose());
            let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| ConfigError::BadKey)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        // Another part of the process may have installed one before; any will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("agent-lattice/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .connect_timeout(Duration::from_millis(MODEL_CONNECT_MS_MAX));
        if is_loopback(&endpoint) {
            client = client.no_proxy();
        }
        if endpoint.scheme() == "http" {
            // No certificate is ever looked at, so a machine without any is no obstacle. And no
            // connection is used twice: llama.cpp closes its own behind each stream without a word,
            // so a second question would race with that, and a plain connection costs little.
            client = client.tls_certs_only([]).pool_max_idle_per_host(0);
        }
        let client = client.build().map_err(ConfigError::Client)?;
        let host = host_of(&endpoint);
        let stall_max = Duration::from_millis(MODEL_STALL_MS_MAX);
        Ok(Self {
            client,
            endpoint,
            dialect,
            host,
            stall_max,
        })
    }

    /// The same client with less patience for silence in the middle of an answer.
    #[must_use]
    pub fn with_stall_max(mut self, stall_max: Duration) -> Self {
        self.stall_max = stall_max;
        self
    }

    /// Asks once, and tells what comes. Every failure comes as one of the canonical kinds, with what
    /// was used.
    pub async fn answer(&self, ask: &Ask<'_>, telling: &mut Telling<'_>) -> CallOutcome {
        let started = Instant::now();
        let peer = Peer {
            dialect: self.dialect,
            host: &self.host,
            model: &ask.model,
        };
        let mut reading = Reading::default();
        let asked = self.exchange(ask, &peer, &mut reading, telling);
        let ended = match tokio::time::timeout(ask.timeout, asked).await {
            Ok(ended) => ended,
            // The answer was whole, and only the end of the stream did not come.
            Err(_) if reading.finish.is_some() => Ok(()),
            Err(_) => Err(peer.slow(ask.timeout)),
        };
        let usage = reading.usage.unwrap_or_else(|| estimated(ask, &reading));
        ended
            .and_then(|()| reading.refusal(&peer))
            .map_err(|failure| (failure, usage))?;
        Ok(CallDone {
            text: reading.text,
            model: reading.model.unwrap_or_else(|| ask.model.clone()),
            finish: reading.finish.unwrap_or_default(),
            usage,
            latency_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    async fn exchange(
        &self,
        ask: &Ask<'_>,
        peer: &Peer<'_>,
        reading: &mut Reading,
        telling: &mut Telling<'_>,
    ) -> Result<(), Failure> {
        let body = request::body(self.dialect, ask).to_string();
        let response = self
            .client
            .post(self.endpoint.clone())
            .header("content-type", "application/json")
            .header("accept", "text/event-stream, application/json")
            .header("idempotency-key", ask.key.to_hex())
            .body(body)
            .send()
            .await
            .map_err(|error| peer.unreached(&error))?;
        if !response.status().is_success() {
            return Err(read::refused_response(response, peer).await);
        }
        reading.asked = true;
        let stall = ask.timeout.min(self.stall_max);
        if read::is_event_stream(&response) {
            reading.stream(response, peer, stall, telling).await
        } else {
            reading.whole(response, peer).await
        }
    }
}

/// What nobody counted: nothing if the server never took the question.
fn estimated(ask: &Ask<'_>, reading: &Reading) -> Usage {
    match reading.asked {
        false => Usage::default(),
        true => Usage {
            input_tokens: estimate_input(ask),
            output_tokens: estimate_tokens(&reading.text),
        },
    }
}

fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A failure of the kind in one sentence about the peer.
impl Peer<'_> {
    fn fails(&self, kind: FailureKind, what: &str, remedy: &str) -> Failure {
        Failure::new(
            kind,
            format!(
                "{} at `{}` {what} (model `{}`); {remedy}",
                self.name(),
                self.host,
                self.model
            ),
        )
    }
}
