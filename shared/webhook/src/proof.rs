//! How a sender proves that it knows the secret. Every comparison takes as long whatever is wrong.

use crate::refused::ProofError;
use crate::request::{Field, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use lattice_model::Millis;
use lattice_model::limits::{WEBHOOK_DELIVERY_BYTES_MAX, WEBHOOK_SIGNATURES_MAX};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

type HmacSha256 = Hmac<Sha256>;

/// What a proof says beside that it holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Proved {
    /// What makes two deliveries the same.
    pub key: Option<String>,
    /// The moment that is signed.
    pub signed_at: Option<Millis>,
}

pub(crate) const WEBHOOK_ID: &str = "webhook-id";
pub(crate) const WEBHOOK_TIMESTAMP: &str = "webhook-timestamp";
pub(crate) const WEBHOOK_SIGNATURE: &str = "webhook-signature";
/// Before the signature, as GitHub writes it ("Validating webhook deliveries" in its documentation).
const SHA256: &str = "sha256=";
/// Before a secret of Standard Webhooks (its specification, "Signature scheme").
const SECRET_PREFIX: &str = "whsec_";
/// Before a signature of its first symmetric version.
const VERSION: &str = "v1,";

/// HMAC-SHA256 over the body, in hexadecimal.
pub(crate) fn hmac_sha256(
    request: &Request<'_>,
    secret: &str,
    header: &str,
) -> Result<Proved, ProofError> {
    let text = field(request, header)?;
    let malformed = || ProofError::Malformed(header.to_owned());
    let given = text.strip_prefix(SHA256).and_then(from_hex);
    let given = given.ok_or_else(malformed)?;
    check(secret.as_bytes(), &[request.body], &given)?;
    Ok(Proved {
        // In lower case, so that the same signature in capitals is no other delivery.
        key: Some(text.to_ascii_lowercase()),
        signed_at: None,
    })
}

/// Standard Webhooks 1.0: `webhook-id`, `webhook-timestamp` and the body, joined by dots.
pub(crate) fn standard_webhooks(request: &Request<'_>, secret: &str) -> Result<Proved, ProofError> {
    let malformed = |header: &str| ProofError::Malformed(header.to_owned());
    let id = field(request, WEBHOOK_ID)?;
    if id.len() > WEBHOOK_DELIVERY_BYTES_MAX {
        return Err(malformed(WEBHOOK_ID));
    }
    let timestamp = field(request, WEBHOOK_TIMESTAMP)?;
    let digits = timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let seconds: Option<u64> = timestamp.parse().ok().filter(|_| digits);
    let signed_at = seconds.and_then(|seconds| seconds.checked_mul(1_000));
    let signed_at = signed_at.ok_or_else(|| malformed(WEBHOOK_TIMESTAMP))?;
    let signatures = field(request, WEBHOOK_SIGNATURE)?;
    let bare = secret.strip_prefix(SECRET_PREFIX).unwrap_or(secret);
    let key = STANDARD.decode(bare).ok().filter(|key| !key.is_empty());
    let key = key.ok_or(ProofError::BadSecret)?;
    let signed = [
        id.as_bytes(),
        b".",
        timestamp.as_bytes(),
        b".",
        request.body,
    ];
    let mut given = signatures
        .split_ascii_whitespace()
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok())
        .take(WEBHOOK_SIGNATURES_MAX)
        .peekable();
    if given.peek().is_none() {
        return Err(malformed(WEBHOOK_SIGNATURE));
    }
    // While a secret is changed a sender signs with the old one and the new one.
    let mut last = Err(ProofError::Wrong);
    for signature in given {
        last = check(&key, &signed, &signature);
        if last.is_ok() {
            break;
        }
    }
    last?;
    Ok(Proved {
        key: Some(id.to_owned()),
        signed_at: Some(Millis::new(signed_at)),
    })
}

/// The secret itself.
pub(crate) fn api_key(
    request: &Request<'_>,
    secret: &str,
    header: &str,
) -> Result<Proved, ProofError> {
    let given = field(request, header)?;
    // Of the hashes, so that the time says nothing of the length either.
    let (given, known) = (Sha256::digest(given), Sha256::digest(secret));
    if !bool::from(given.ct_eq(&known)) {
        return Err(ProofError::Wrong);
    }
    Ok(Proved {
        key: None,
        signed_at: None,
    })
}

/// INVARIANT: `verify_slice` compares in constant time.
fn check(key: &[u8], signed: &[&[u8]], given: &[u8]) -> Result<(), ProofError> {
    let mut mac = HmacSha256::new_from_slice(key).map_err(|_| ProofError::BadSecret)?;
    signed.iter().for_each(|part| mac.update(part));
    mac.verify_slice(given).map_err(|_| ProofError::Wrong)
}

fn field<'a>(request: &Request<'a>, header: &str) -> Result<&'a str, ProofError> {
    match request.field(header) {
        Field::Missing | Field::Once("") => Err(ProofError::Missing(header.to_owned())),
        Field::Repeated => Err(ProofError::Repeated(header.to_owned())),
        Field::Once(value) => Ok(value),
    }
}

/// The 32 bytes of a SHA-256 in hexadecimal.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let value = char::from(*digit).to_digit(16)?;
            *byte = *byte << 4 | value as u8;
        }
    }
    Some(bytes)
}
