//! Reduces what went wrong to the canonical kinds, each with a sentence that says who, what and what
//! to do. Codes are those of the OpenAI API reference and of llama.cpp's server.

use super::Dialect;
use super::verdict::{OTHERWISE, RULES, Rule, Verdict};
use lattice_journal::{Failure, FailureKind};
use lattice_model::limits::MODEL_ERROR_CHARS_MAX;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Whom the failure is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer<'a> {
    pub dialect: Dialect,
    pub host: &'a str,
    pub model: &'a str,
}

/// The provider's own words about an error, as far as there are any.
#[derive(Debug, Default)]
pub(super) struct ErrorBody {
    message: String,
    /// `code` and `type`, in lower case.
    words: Vec<String>,
    /// A `code` that is a status.
    status: Option<u16>,
}

impl ErrorBody {
    /// The error object of a body; bodies that are no JSON have no words that can be trusted.
    pub(super) fn of_bytes(body: &[u8]) -> Self {
        let value = serde_json::from_slice::<Value>(body).unwrap_or_default();
        match value.get("error") {
            Some(error) => Self::of_value(error),
            None => Self::of_value(&value),
        }
    }

    /// The error object of an event in a stream that began well.
    pub(super) fn in_stream(value: &Value) -> Option<Self> {
        let error = value.get("error").filter(|error| !error.is_null())?;
        Some(Self::of_value(error))
    }

    fn of_value(error: &Value) -> Self {
        let text = |name: &str| error.get(name).and_then(Value::as_str);
        let said = text("message").or(text("detail")).or(error.as_str());
        let code = error.get("code");
        Self {
            message: said.unwrap_or_default().to_owned(),
            words: [text("code"), text("type")]
                .into_iter()
                .flatten()
                .map(str::to_lowercase)
                .collect(),
            status: code
                .and_then(|code| code.as_u64().or_else(|| code.as_str()?.parse().ok()))
                .and_then(|code| u16::try_from(code).ok())
                .filter(|code| (400..600).contains(code)),
        }
    }

    /// The failure, from the response's status or, inside a stream, from the error's own.
    pub(super) fn failure(
        &self,
        peer: &Peer<'_>,
        status: Option<u16>,
        headers: Option<&HeaderMap>,
    ) -> Failure {
        let Verdict(kind, what, remedy) = *self.verdict(status.or(self.status).unwrap_or_default());
        let answered = match status {
            Some(status) => format!("answered {status}: {what}"),
            None => format!("broke its answer off with an error: {what}"),
        };
        // What is said about a refused key may repeat a part of it.
        let remedy = match self.message.is_empty() || kind == FailureKind::Auth {
            true => remedy.to_owned(),
            false => format!("{remedy} (it said: \"{}\")", shortened(&self.message)),
        };
        let mut failure = peer.fails(kind, &answered, &remedy);
        failure.retry_after_ms = headers
            .filter(|_| kind.is_retryable())
            .and_then(retry_after_ms);
        if self.has("insufficient_quota") {
            failure.retryable = false;
        }
        failure
    }

    fn has(&self, word: &str) -> bool {
        self.words.iter().any(|given| given == word)
    }

    fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.has(word))
    }

    /// The first rule that fits: words say more than a status, and come first where both speak.
    fn verdict(&self, status: u16) -> &'static Verdict {
        let fits = |rule: &&Rule| {
            rule.statuses.contains(&status)
                || self.has_any(rule.words)
                || (rule.verdict.0 == FailureKind::ContextLength && self.says_too_long(status))
        };
        RULES
            .iter()
            .find(fits)
            .map_or(&OTHERWISE, |rule| &rule.verdict)
    }

    fn says_too_long(&self, status: u16) -> bool {
        let said = self.message.to_lowercase();
        let speaks_of_it = [
            "maximum context length",
            "context window",
            "context size",
            "prompt is too long",
        ]
        .iter()
        .any(|words| said.contains(words));
        matches!(status, 400 | 413 | 422) && speaks_of_it
    }
}

impl Peer<'_> {
    pub(super) fn name(&self) -> &'static str {
        match self.dialect {
            Dialect::OpenAi => "OpenAI",
            Dialect::Compatible => "the OpenAI-compatible server",
        }
    }

    /// No response came.
    pub(super) fn unreached(&self, error: &reqwest::Error) -> Failure {
        if error.is_connect() || error.is_timeout() {
            return self.fails(
                FailureKind::Network,
                &format!("could not be reached: {}", root(error)),
                "check `LATTICE_BASE_URL`, the network, and that the server runs",
            );
        }
        self.broken(error)
    }

    /// The connection broke.
    pub(super) fn broken(&self, error: &reqwest::Error) -> Failure {
        let what = format!("broke the connection: {}", root(error));
        self.fails(FailureKind::Network, &what, "try again")
    }

    /// The stream ended too early.
    pub(super) fn cut(&self) -> Failure {
        self.fails(
            FailureKind::Network,
            "ended the answer in the middle",
            "try again",
        )
    }

    /// The deadline passed.
    pub(super) fn slow(&self, limit: Duration) -> Failure {
        self.fails(
            FailureKind::Timeout,
            &format!("gave no whole answer within {} ms", limit.as_millis()),
            "try again, raise the node's timeout, or choose a faster model",
        )
    }

    /// The stream fell silent.
    pub(super) fn silent(&self, stall: Duration) -> Failure {
        self.fails(
            FailureKind::Timeout,
            &format!(
                "fell silent for {} ms in the middle of the answer",
                stall.as_millis()
            ),
            "try again",
        )
    }

    /// What came is not of the protocol.
    pub(super) fn garbage(&self, what: &str) -> Failure {
        self.fails(
            FailureKind::MalformedOutput,
            &format!("answered with {what}"),
            "check that `LATTICE_BASE_URL` leads to a server for chat completions",
        )
    }

    /// A limit was passed.
    pub(super) fn too_much(&self, limit: &str, bytes: usize) -> Failure {
        self.fails(
            FailureKind::Limit,
            &format!("answered with more than {bytes} bytes ({limit})"),
            "ask for a shorter answer, or set a ceiling of output tokens",
        )
    }

    /// The model itself said no.
    pub(super) fn declined(&self, words: &str) -> Failure {
        self.fails(
            FailureKind::Refused,
            &format!("declined to answer: \"{}\"", shortened(words)),
            "change the prompt or choose another model",
        )
    }
}

/// The innermost cause: the outer ones repeat the address.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    shortened(&cause.to_string())
}

/// One line of at most `MODEL_ERROR_CHARS_MAX` characters.
fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MODEL_ERROR_CHARS_MAX) {
        Some((end, _)) => format!("{} [cut]", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3), or OpenAI's `retry-after-ms`.
fn retry_after_ms(headers: &HeaderMap) -> Option<u64> {
    let get = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(ms) = get("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(ms);
    }
    let text = get("retry-after")?;
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1_000));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
    u64::try_from(wait.as_millis()).ok()
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
