//! What starts runs of a Program from outside: entries beside its `start`, never ops.

use lattice_model::{NodeId, OpId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A node that starts runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trigger {
    /// The node.
    pub node: NodeId,
    /// Where a run that it starts begins.
    pub entry: OpId,
    /// What it listens to.
    pub on: TriggerKind,
}

/// What a trigger listens to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum TriggerKind {
    /// A request from outside.
    Webhook(Webhook),
    /// The clock.
    Schedule(Schedule),
}

/// A request from outside starts a run whose input is `{"body": .., "headers": {..}, "query": {..}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// How the sender proves who it is.
    pub authentication: WebhookAuth,
    /// The methods that it takes, in capitals.
    pub methods: Vec<String>,
    /// What the body is.
    pub payload: Payload,
    /// What the body must be, as JSON Schema.
    pub schema: Option<Value>,
}

/// How a sender proves who it is. A secret is named, never held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "camelCase")]
pub enum WebhookAuth {
    /// HMAC-SHA256 over the raw body, in hexadecimal, in the header `header` behind `sha256=`: as
    /// GitHub signs (`x-hub-signature-256`).
    #[serde(rename_all = "camelCase")]
    HmacSha256 {
        /// The name of the secret.
        secret: String,
        /// The header, in lower case.
        header: String,
    },
    /// The Standard Webhooks specification: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    #[serde(rename_all = "camelCase")]
    StandardWebhooks {
        /// The name of the secret.
        secret: String,
    },
    /// A shared key in a header.
    #[serde(rename_all = "camelCase")]
    ApiKey {
        /// The name of the secret.
        secret: String,
        /// The header, in lower case.
        header: String,
    },
}

impl WebhookAuth {
    /// The name of the secret.
    pub fn secret(&self) -> &str {
        match self {
            Self::HmacSha256 { secret, .. }
            | Self::StandardWebhooks { secret }
            | Self::ApiKey { secret, .. } => secret,
        }
    }
}

/// What the body of a webhook is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Payload {
    /// `application/json`, or a type that ends in `+json`.
    Json,
    /// `application/x-www-form-urlencoded`: an object of strings.
    Form,
    /// `text/plain`: a string.
    Text,
}

/// The clock starts a run with a fixed input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// `cron(..)`, `rate(..)` or `at(..)`, in the one spelling that the compiler writes.
    pub expression: String,
    /// The IANA time zone in which `cron` and `at` are read.
    pub timezone: String,
    /// The input of each run.
    pub input: Value,
    /// What becomes of a moment that finds the run of an earlier one open.
    // Left out where it is the usual, so that a Program without it keeps its hash.
    #[serde(default, skip_serializing_if = "Overlap::is_usual")]
    pub overlap: Overlap,
    /// What becomes of moments that went by while nothing could fire.
    #[serde(default, skip_serializing_if = "Missed::is_usual")]
    pub missed: Missed,
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$says:meta])* $one:ident $word:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name { $($(#[$says])* #[serde(rename = $word)] $one),* }

        impl $name {
            /// All of them, the usual one first.
            pub const ALL: &[Self] = &[$(Self::$one),*];

            /// The word in documents.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$one => $word),* }
            }

            /// Whether it is what a schedule does that says nothing of it.
            pub fn is_usual(&self) -> bool {
                *self == Self::default()
            }
        }
    )*};
}

words! {
    /// What becomes of a moment that finds the run open that the same schedule started before.
    Overlap {
        /// It starts a run beside it.
        #[default]
        Allow "allow",
        /// It starts nothing.
        Skip "skip",
        /// It waits until that run is over. One moment waits at most, the newest.
        Queue "queue",
        /// That run is cancelled; the moment waits until it is over.
        CancelOld "cancelOld",
    }
    /// What becomes of moments that went by while nothing could fire.
    Missed {
        /// They start nothing.
        #[default]
        Skip "skip",
        /// The newest of them starts a run.
        Once "once",
    }
}
