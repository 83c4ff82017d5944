//! What a status, or the words of an error, stand for. Words are those of the OpenAI API reference
//! and of llama.cpp's server, in lower case.

use lattice_journal::FailureKind;
use std::ops::Range;

/// A kind with what happened and what to do.
pub(super) struct Verdict(pub FailureKind, pub &'static str, pub &'static str);

/// What leads to a verdict: a status, or a word in `code` or `type`.
pub(super) struct Rule {
    pub statuses: Range<u16>,
    pub words: &'static [&'static str],
    pub verdict: Verdict,
}

/// For rules that words alone lead to.
const NO_STATUS: Range<u16> = 0..0;

/// In order: the first that fits decides.
pub(super) const RULES: &[Rule] = &[
    Rule {
        statuses: NO_STATUS,
        words: &["insufficient_quota"],
        verdict: Verdict(
            FailureKind::RateLimit,
            "the quota is used up",
            "add credit to the account or use another key",
        ),
    },
    Rule {
        statuses: NO_STATUS,
        words: &["context_length_exceeded", "exceed_context_size_error"],
        verdict: Verdict(
            FailureKind::ContextLength,
            "the prompt is too long for the model",
            "shorten it or choose a model with a larger context",
        ),
    },
    Rule {
        statuses: NO_STATUS,
        words: &[
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
        ],
        verdict: Verdict(
            FailureKind::Refused,
            "its content filter declined the prompt",
            "change the prompt or choose another model",
        ),
    },
    Rule {
        statuses: 401..402,
        words: &[
            "invalid_api_key",
            "authentication_error",
            "permission_error",
        ],
        verdict: KEY_REFUSED,
    },
    Rule {
        statuses: 403..404,
        words: &[],
        verdict: KEY_REFUSED,
    },
    Rule {
        statuses: 404..405,
        words: &["model_not_found", "not_found_error"],
        verdict: Verdict(
            FailureKind::Configuration,
            "it does not know the model or the address",
            "check the name of the model (`LATTICE_MODEL_SMALL`, `_MEDIUM`, `_LARGE`) and \
             `LATTICE_BASE_URL`",
        ),
    },
    Rule {
        statuses: 408..409,
        words: &[],
        verdict: Verdict(
            FailureKind::Timeout,
            "it gave the question up",
            "try again, or shorten the prompt",
        ),
    },
    Rule {
        statuses: 429..430,
        words: &["rate_limit_error", "rate_limit_exceeded", "tokens"],
        verdict: Verdict(
            FailureKind::RateLimit,
            "too many requests",
            "wait, or ask for a higher limit",
        ),
    },
    Rule {
        statuses: 500..600,
        words: &[
            "server_error",
            "overloaded_error",
            "unavailable_error",
            "internal_error",
        ],
        verdict: Verdict(
            FailureKind::ProviderUnavailable,
            "it cannot serve now",
            "try again later",
        ),
    },
    Rule {
        statuses: 300..400,
        words: &[],
        verdict: Verdict(
            FailureKind::Configuration,
            "it is somewhere else",
            "set `LATTICE_BASE_URL` to its final address; redirects are not followed",
        ),
    },
    Rule {
        statuses: NO_STATUS,
        words: &[
            "unsupported_parameter",
            "unsupported_value",
            "invalid_json_schema",
        ],
        verdict: Verdict(
            FailureKind::Configuration,
            "the model does not take these settings",
            "change the node's settings or choose another model",
        ),
    },
];

const KEY_REFUSED: Verdict = Verdict(
    FailureKind::Auth,
    "the key was refused",
    "check `OPENAI_API_KEY` and what it may do",
);

/// Where no rule fits.
pub(super) const OTHERWISE: Verdict = Verdict(
    FailureKind::Unknown,
    "it did not accept the request",
    "see what it said, and try another model if that does not help",
);
