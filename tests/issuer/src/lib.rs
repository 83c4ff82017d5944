//! An issuer of tokens for tests: a fresh key pair, its public half as it would be published, and
//! tokens signed with the other.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who issues (`iss`).
pub const ISSUER: &str = "https://issuer.example";
/// Whom tokens are for (`aud`).
pub const AUDIENCE: &str = "agent-lattice";
/// The claim that names the tenant.
pub const TENANT_CLAIM: &str = "tenant";
/// The name of its key.
pub const KEY: &str = "key-1";
/// Seconds that a token is good for.
const GOOD_FOR_S: u64 = 3_600;

/// Why there is no issuer, or no token.
pub type IssueError = Box<dyn std::error::Error + Send + Sync>;

/// An issuer.
pub struct Issuer {
    /// Its public keys, as a JSON Web Key Set.
    pub keys: String,
    /// The point of its public key, uncompressed.
    pub point: Vec<u8>,
    key: EncodingKey,
}

impl Issuer {
    /// An issuer with a fresh key.
    pub fn new() -> Result<Self, IssueError> {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let private = EcdsaKeyPair::generate_pkcs8(algorithm, &random)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, private.as_ref(), &random)?;
        // An uncompressed point: the byte 4, then both coordinates.
        let point = pair.public_key().as_ref().to_vec();
        let coordinate = |from: usize| {
            let bytes = point.get(from..from + 32).unwrap_or_default();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        let key = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY,
            "x": coordinate(1), "y": coordinate(33),
        });
        Ok(Self {
            keys: json!({ "keys": [key] }).to_string(),
            key: EncodingKey::from_ec_der(private.as_ref()),
            point,
        })
    }

    /// A token with these claims, signed with its key.
    pub fn sign(&self, claims: &Value) -> Result<String, IssueError> {
        self.sign_as(Some(KEY), claims)
    }

    /// The same, naming another key or none.
    pub fn sign_as(&self, key: Option<&str>, claims: &Value) -> Result<String, IssueError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = key.map(str::to_owned);
        Ok(encode(&header, claims, &self.key)?)
    }
}

/// The claims of a good token.
pub fn claims(tenant: &str, scopes: &str) -> Value {
    let now = now_s();
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "somebody", "iat": now, "nbf": now - 5,
        "exp": now + GOOD_FOR_S, "scope": scopes, TENANT_CLAIM: tenant,
    })
}

/// Seconds since 1970.
pub fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}
