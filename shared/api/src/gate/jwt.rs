//! Bearer tokens: JSON Web Tokens (RFC 7519), signed by one issuer.

use super::{Caller, unauthenticated};
use crate::refuse::Refused;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use jsonwebtoken::jwk::{Jwk, JwkSet, KeyAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use lattice_model::Tenant;
use lattice_wire::Scope;
use serde_json::{Map, Value};
use std::sync::{Arc, PoisonError, RwLock};

/// Which tokens are good.
#[derive(Debug, Clone)]
pub struct JwtRules {
    /// The issuer's public keys, as a JSON Web Key Set (RFC 7517).
    pub keys: String,
    /// Who must have issued a token (`iss`).
    pub issuer: String,
    /// Whom a token must be for (`aud`).
    pub audience: String,
    /// The claim that names the tenant.
    pub tenant_claim: String,
}

/// Why no verifier can be made of the rules.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// The key set is not one.
    #[error("the issuer's keys are not a JSON Web Key Set: {0}; give the text of its `jwks.json`")]
    Keys(String),
    /// No key of it can be used.
    #[error("none of the issuer's keys can be used; RS256, ES256 and EdDSA keys with a `kid` can")]
    NoKey,
}

/// Seconds by which clocks may differ.
const LEEWAY_S: u64 = 30;
/// Characters of a token. A longer one is not looked at.
const TOKEN_CHARS_MAX: usize = 8 * 1024;

/// Checks tokens.
pub struct Verifier {
    /// Exchanged as a whole: an issuer takes keys out too.
    keys: RwLock<Arc<Vec<Key>>>,
    rules: JwtRules,
}

struct Key {
    id: String,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.keys();
        let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("Verifier")
            .field("keys", &ids)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// A verifier with the usable keys of the set.
    pub fn new(rules: &JwtRules) -> Result<Self, JwtError> {
        Ok(Self {
            keys: RwLock::new(Arc::new(read_keys(&rules.keys)?)),
            rules: rules.clone(),
        })
    }

    /// Takes the issuer's keys as they are now. A set that cannot be used changes nothing.
    pub fn renew(&self, keys: &str) -> Result<(), JwtError> {
        let keys = Arc::new(read_keys(keys)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// Whether the request's token names a key that is not known here.
    pub fn lacks_key(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(AUTHORIZATION);
        let token = token.and_then(|value| bearer(value.to_str().ok()?));
        let named = token.and_then(named_key);
        named.is_some_and(|named| !self.keys().iter().any(|key| key.id == named))
    }

    fn keys(&self) -> Arc<Vec<Key>> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&keys)
    }

    /// Who sends the request.
    pub fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        let mut sent = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else {
            return Err(unauthenticated("the request carries no token, or several"));
        };
        let token = value.to_str().ok().and_then(bearer);
        let token = token.ok_or_else(|| unauthenticated("the request carries no bearer token"))?;
        self.read(token)
    }

    fn read(&self, token: &str) -> Result<Caller, Refused> {
        let header = (token.len() <= TOKEN_CHARS_MAX)
            .then(|| decode_header(token).ok())
            .flatten()
            .ok_or_else(|| unauthenticated("the token is not a JSON Web Token"))?;
        let known = |key: &&Key| header.kid.as_deref() == Some(key.id.as_str());
        let keys = self.keys();
        let key = keys.iter().find(known);
        let key = key.ok_or_else(|| unauthenticated("the token is signed with an unknown key"))?;
        // The algorithm is the key's, whatever the token says of itself.
        let mut validation = Validation::new(key.algorithm);
        validation.leeway = LEEWAY_S;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.rules.issuer]);
        validation.set_audience(&[&self.rules.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let claims = decode::<Map<String, Value>>(token, &key.key, &validation)
            .map_err(|error| unauthenticated(format!("the token is not good: {error}")))?
            .claims;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let tenant = text(&self.rules.tenant_claim).and_then(|tenant| tenant.parse().ok());
        // Without a tenant nothing belongs to the caller; a default would be somebody else's.
        let tenant: Tenant = tenant.ok_or_else(|| {
            let claim = &self.rules.tenant_claim;
            unauthenticated(format!("the token names no tenant in its claim `{claim}`"))
        })?;
        let granted: Vec<&str> = text("scope").unwrap_or_default().split(' ').collect();
        let granted = |scope: &Scope| granted.contains(&scope.as_str());
        Ok(Caller {
            tenant,
            scopes: Scope::ALL.into_iter().filter(granted).collect(),
        })
    }
}

/// The keys of the set that can be used.
fn read_keys(text: &str) -> Result<Vec<Key>, JwtError> {
    let set: JwkSet =
        serde_json::from_str(text).map_err(|error| JwtError::Keys(error.to_string()))?;
    let keys: Vec<Key> = set.keys.iter().filter_map(Key::of).collect();
    match keys.is_empty() {
        true => Err(JwtError::NoKey),
        false => Ok(keys),
    }
}

/// The key that a token says it is signed with.
fn named_key(token: &str) -> Option<String> {
    let is_short = token.len() <= TOKEN_CHARS_MAX;
    let header = is_short.then(|| decode_header(token).ok()).flatten()?;
    header.kid
}

impl Key {
    /// A key that signs with a private half: a shared secret in a public set would be known to all.
    fn of(jwk: &Jwk) -> Option<Self> {
        let algorithm = match jwk.common.key_algorithm? {
            KeyAlgorithm::RS256 => Algorithm::RS256,
            KeyAlgorithm::ES256 => Algorithm::ES256,
            KeyAlgorithm::EdDSA => Algorithm::EdDSA,
            _ => return None,
        };
        Some(Self {
            id: jwk.common.key_id.clone()?,
            algorithm,
            key: DecodingKey::from_jwk(jwk).ok()?,
        })
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
