//! The input of the run: the body, and of headers and query what is no proof and no secret.

use crate::refused::Refused;
use crate::request::Request;
use lattice_ir::WebhookAuth;
use lattice_model::limits::{WEBHOOK_HEADER_BYTES_MAX, WEBHOOK_HEADERS_MAX};
use serde_json::{Map, Value, json};

/// Words of a name whose value proves who one is. Values that look like secrets under other names
/// are redacted when the run is queued.
const SECRET_WORDS: &[&str] = &[
    "apikey",
    "auth",
    "authentication",
    "authorization",
    "cookie",
    "credential",
    "credentials",
    "jwt",
    "key",
    "passphrase",
    "passwd",
    "password",
    "secret",
    "session",
    "sessionid",
    "sig",
    "signature",
    "token",
];

/// `{"body": .., "headers": {..}, "query": {..}}`.
pub(crate) fn input(
    request: &Request<'_>,
    authentication: &WebhookAuth,
    body: Value,
) -> Result<Value, Refused> {
    let mut query = crate::payload::fields(request.query)?;
    query.retain(|name, _| !is_secret(name));
    let headers = headers(request, authentication);
    Ok(json!({"body": body, "headers": headers, "query": query}))
}

/// The header fields under their names in lower case; a repeated one is one list, as RFC 9110 has
/// it (section 5.3). What is too much or too long is left out.
fn headers(request: &Request<'_>, authentication: &WebhookAuth) -> Map<String, Value> {
    let proof = match authentication {
        WebhookAuth::HmacSha256 { header, .. } | WebhookAuth::ApiKey { header, .. } => header,
        WebhookAuth::StandardWebhooks { .. } => crate::proof::WEBHOOK_SIGNATURE,
    };
    let mut kept: Map<String, Value> = Map::new();
    for (name, value) in request.headers {
        let (name, value) = (name.to_ascii_lowercase(), value.trim());
        if name == proof || is_secret(&name) && name != IDEMPOTENCY_KEY {
            continue;
        }
        let joined = match kept.get(&name).and_then(Value::as_str) {
            Some(first) => format!("{first}, {value}"),
            None if kept.len() >= WEBHOOK_HEADERS_MAX => continue,
            None => value.to_owned(),
        };
        if joined.len() <= WEBHOOK_HEADER_BYTES_MAX {
            kept.insert(name, Value::from(joined));
        }
    }
    kept
}

/// The header by which a sender without a signature names a delivery.
pub(crate) const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Whether one of the words of a name says that its value is a secret: `x-auth-token`, `access_token`,
/// `api.key`.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| SECRET_WORDS.contains(&word))
}
