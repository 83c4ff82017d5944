//! Why a request starts no run.

use lattice_model::limits::{WEBHOOK_BODY_BYTES_MAX, WEBHOOK_SKEW_MS_MAX};

/// Why a request is refused. The text is for its sender: of a proof it never says how near it came,
/// nor whether a secret is set at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The webhook does not take the method.
    #[error("this webhook takes {}", .allowed.join(", "))]
    Method {
        /// The methods that it takes.
        allowed: Vec<String>,
    },
    /// The body is of another type.
    #[error("this webhook takes a body of the type `{wanted}`, named once in `content-type`")]
    ContentType {
        /// The type that it takes.
        wanted: &'static str,
    },
    /// The body is too large.
    #[error("the body has {bytes} bytes, the limit is {WEBHOOK_BODY_BYTES_MAX}")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// The sender has not proved who it is.
    #[error("{0}")]
    Proof(ProofError),
    /// The request was signed too long ago, or too far ahead.
    #[error(
        "the request was signed more than {} minutes before or after now",
        WEBHOOK_SKEW_MS_MAX / 60_000
    )]
    Stale,
    /// A header that names the delivery cannot be used.
    #[error("the header `{header}` is there more than once, empty or too long")]
    Delivery {
        /// The header.
        header: &'static str,
    },
    /// The body is not what its type says.
    #[error("the body cannot be read: {reason}")]
    Payload {
        /// Why.
        reason: String,
    },
    /// The body does not fit the schema.
    #[error("the body does not fit the webhook: {}", .0.join("; "))]
    Schema(Vec<String>),
}

/// What is wrong with a proof; `NoSecret` and `BadSecret` are for the owner's log, and read like
/// `Wrong` to the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The secret is not set.
    #[error("the request does not prove who sent it")]
    NoSecret,
    /// The secret is not of the kind that the scheme needs.
    #[error("the request does not prove who sent it")]
    BadSecret,
    /// It proves nothing.
    #[error("the request does not prove who sent it")]
    Wrong,
    /// A header is missing.
    #[error("the header `{0}` is missing")]
    Missing(String),
    /// A header is there more than once.
    #[error("the header `{0}` is there more than once")]
    Repeated(String),
    /// A header cannot be read.
    #[error("the header `{0}` cannot be read")]
    Malformed(String),
}

impl Refused {
    /// The status of the answer.
    pub fn status(&self) -> u16 {
        match self {
            Self::Method { .. } => 405,
            Self::ContentType { .. } => 415,
            Self::TooLarge { .. } => 413,
            Self::Proof(_) | Self::Stale => 401,
            Self::Delivery { .. } | Self::Payload { .. } => 400,
            Self::Schema(_) => 422,
        }
    }
}

impl From<ProofError> for Refused {
    fn from(error: ProofError) -> Self {
        Self::Proof(error)
    }
}
