//! Why something did not work, in the words that every part of the system shares.

use lattice_model::limits::FAILURE_MESSAGE_CHARS_MAX;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of failure it was. The first nine are what a provider's failure is reduced to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The key or the permission was refused.
    Auth,
    /// Too many requests.
    RateLimit,
    /// No complete answer in time.
    Timeout,
    /// No connection, or it broke.
    Network,
    /// The answer is not what was asked for.
    MalformedOutput,
    /// The prompt is longer than the model takes.
    ContextLength,
    /// The model or its filter declined.
    Refused,
    /// The provider answered that it cannot serve now.
    ProviderUnavailable,
    /// None of the above.
    Unknown,
    /// An expression or a template could not be evaluated.
    Expression,
    /// A secret or a setting that the effect needs is not there.
    Configuration,
    /// An attempt was lost, and the effect must not be repeated.
    UnknownOutcome,
    /// The attempts are used up by lost attempts.
    AttemptsExhausted,
    /// The run lived longer than it may.
    Lifetime,
    /// A limit of the system was reached; the message names it.
    Limit,
    /// Branches gave values that the join may not choose between.
    MergeConflict,
    /// A run that this one had called was cancelled.
    ChildCancelled,
    /// The run's budget does not allow what the call may use.
    Budget,
}

impl FailureKind {
    /// All of them, in the order above.
    pub const ALL: &[Self] = &[
        Self::Auth,
        Self::RateLimit,
        Self::Timeout,
        Self::Network,
        Self::MalformedOutput,
        Self::ContextLength,
        Self::Refused,
        Self::ProviderUnavailable,
        Self::Unknown,
        Self::Expression,
        Self::Configuration,
        Self::UnknownOutcome,
        Self::AttemptsExhausted,
        Self::Lifetime,
        Self::Limit,
        Self::MergeConflict,
        Self::ChildCancelled,
        Self::Budget,
    ];

    /// Whether another attempt may succeed where this one did not.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimit | Self::Timeout | Self::Network | Self::ProviderUnavailable
        )
    }

    /// The word that events use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::RateLimit => "rate_limit",
            Self::Timeout => "timeout",
            Self::Network => "network",
            Self::MalformedOutput => "malformed_output",
            Self::ContextLength => "context_length",
            Self::Refused => "refused",
            Self::ProviderUnavailable => "provider_unavailable",
            Self::Unknown => "unknown",
            Self::Expression => "expression",
            Self::Configuration => "configuration",
            Self::UnknownOutcome => "unknown_outcome",
            Self::AttemptsExhausted => "attempts_exhausted",
            Self::Lifetime => "lifetime",
            Self::Limit => "limit",
            Self::MergeConflict => "merge_conflict",
            Self::ChildCancelled => "child_cancelled",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A failure as events carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What kind it was.
    pub kind: FailureKind,
    /// Whether another attempt may succeed.
    pub retryable: bool,
    /// A sentence for a person, already redacted.
    pub message: String,
    /// How long the provider asked to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    /// A failure of the kind; retryable as the kind is. The message is cut at the stored limit.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message: String = message.into();
        let message = match message.char_indices().nth(FAILURE_MESSAGE_CHARS_MAX) {
            Some((end, _)) => format!("{} [cut]", message.get(..end).unwrap_or_default()),
            None => message,
        };
        let retryable = kind.is_retryable();
        Self {
            kind,
            retryable,
            message,
            retry_after_ms: None,
        }
    }

    /// The same, with the pause that the provider asked for.
    #[must_use]
    pub fn after(mut self, retry_after_ms: Option<u64>) -> Self {
        self.retry_after_ms = retry_after_ms;
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// What a model call used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Tokens of the prompt.
    pub input_tokens: u64,
    /// Tokens of the answer.
    pub output_tokens: u64,
}

impl Usage {
    /// Both, added.
    pub fn total(self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// The sum of two uses.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn the_word_of_a_kind_is_its_stored_form() {
        for kind in FailureKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let failure = Failure::new(
            FailureKind::Unknown,
            "é".repeat(FAILURE_MESSAGE_CHARS_MAX + 1),
        );
        assert_eq!(
            failure.message.chars().count(),
            FAILURE_MESSAGE_CHARS_MAX + 6
        );
    }
}
