//! The order of the checks: what costs little and says nothing stands first, and nothing of the body
//! is read before its sender is known.

use crate::input::{IDEMPOTENCY_KEY, input};
use crate::payload;
use crate::proof::{self, Proved};
use crate::refused::{ProofError, Refused};
use crate::request::{Field, Request};
use lattice_expr::Schema;
use lattice_ir::{Webhook, WebhookAuth};
use lattice_model::limits::{
    INPUT_BYTES_MAX, WEBHOOK_BODY_BYTES_MAX, WEBHOOK_DELIVERY_BYTES_MAX, WEBHOOK_SKEW_MS_MAX,
};
use lattice_model::{Millis, canonical_len};
use serde_json::Value;

/// A request that may start a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The input of the run, not redacted yet.
    pub input: Value,
    /// The sender's name of the delivery, if it has one.
    pub delivery: Option<String>,
    /// When the sender signed it, if the scheme says so. A request with a known `key` and the same
    /// moment is one that is played again; with a later moment its sender tries once more.
    pub signed_at: Option<Millis>,
    /// What makes two deliveries the same; `None` if nothing does.
    pub key: Option<String>,
}

/// GitHub's name of a delivery.
const GITHUB_DELIVERY: &str = "x-github-delivery";

/// Checks a request and makes the run's input of it. `secret` is the value of the secret that the
/// webhook names, empty if it is not set.
///
/// # Errors
/// When the request may not start a run: see `Refused`.
pub fn verify(
    webhook: &Webhook,
    secret: &str,
    request: &Request<'_>,
    now: Millis,
) -> Result<Accepted, Refused> {
    if !webhook
        .methods
        .iter()
        .any(|method| method == request.method)
    {
        let allowed = webhook.methods.clone();
        return Err(Refused::Method { allowed });
    }
    payload::check_type(request, webhook.payload)?;
    let bytes = request.body.len();
    if bytes > WEBHOOK_BODY_BYTES_MAX {
        return Err(Refused::TooLarge { bytes });
    }
    let proved = prove(&webhook.authentication, secret, request)?;
    check_moment(proved.signed_at, now)?;
    let (key, delivery) = name_delivery(&webhook.authentication, request, proved.key)?;
    let body = payload::read(request, webhook.payload)?;
    check_schema(webhook.schema.as_ref(), &body)?;
    let input = input(request, &webhook.authentication, body)?;
    // Bytes of text may be more as JSON.
    let bytes = canonical_len(&input);
    if bytes > INPUT_BYTES_MAX {
        return Err(Refused::TooLarge { bytes });
    }
    Ok(Accepted {
        input,
        delivery,
        signed_at: proved.signed_at,
        key,
    })
}

fn prove(
    authentication: &WebhookAuth,
    secret: &str,
    request: &Request<'_>,
) -> Result<Proved, ProofError> {
    // INVARIANT: with no secret nobody can prove anything; an empty key would be known to all.
    if secret.trim().is_empty() {
        return Err(ProofError::NoSecret);
    }
    match authentication {
        WebhookAuth::HmacSha256 { header, .. } => proof::hmac_sha256(request, secret, header),
        WebhookAuth::StandardWebhooks { .. } => proof::standard_webhooks(request, secret),
        WebhookAuth::ApiKey { header, .. } => proof::api_key(request, secret, header),
    }
}

fn check_moment(signed_at: Option<Millis>, now: Millis) -> Result<(), Refused> {
    let skew = signed_at.map(|signed_at| signed_at.get().abs_diff(now.get()));
    match skew.is_some_and(|skew| skew > WEBHOOK_SKEW_MS_MAX) {
        true => Err(Refused::Stale),
        false => Ok(()),
    }
}

/// What makes the delivery the same as another one, and what its sender calls it.
fn name_delivery(
    authentication: &WebhookAuth,
    request: &Request<'_>,
    key: Option<String>,
) -> Result<(Option<String>, Option<String>), Refused> {
    Ok(match authentication {
        WebhookAuth::StandardWebhooks { .. } => (key.clone(), key),
        WebhookAuth::HmacSha256 { .. } => (key, named(request, GITHUB_DELIVERY)?),
        WebhookAuth::ApiKey { .. } => {
            let own = named(request, IDEMPOTENCY_KEY)?;
            (own.clone(), own)
        }
    })
}

fn named(request: &Request<'_>, header: &'static str) -> Result<Option<String>, Refused> {
    match request.field(header) {
        Field::Missing => Ok(None),
        Field::Once(name) if !name.is_empty() && name.len() <= WEBHOOK_DELIVERY_BYTES_MAX => {
            Ok(Some(name.to_owned()))
        }
        Field::Once(_) | Field::Repeated => Err(Refused::Delivery { header }),
    }
}

fn check_schema(schema: Option<&Value>, body: &Value) -> Result<(), Refused> {
    let Some(schema) = schema else {
        return Ok(());
    };
    // The verifier of Programs has refused a schema that cannot be used.
    let schema = Schema::parse(schema).map_err(|error| Refused::Schema(vec![error.to_string()]))?;
    schema.validate(body).map_err(|problems| {
        let lines = problems.iter().map(|problem| {
            let pointer = match problem.pointer.as_str() {
                "" => "/",
                pointer => pointer,
            };
            format!("at `{pointer}`: {}", problem.message)
        });
        Refused::Schema(lines.collect())
    })
}
