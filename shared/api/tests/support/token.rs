//! An issuer of tokens, good ones and others.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use lattice_issuer::{KEY, TENANT_CLAIM, claims, now_s};
use lattice_wire::Scope;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// The `Host` of requests.
pub const HOST: &str = "127.0.0.1:4870";

pub struct Issuer {
    /// Its public keys, as it publishes them.
    pub keys: String,
    issuer: lattice_issuer::Issuer,
    tokens: Mutex<BTreeMap<String, String>>,
}

impl Issuer {
    pub fn new() -> Self {
        let issuer = lattice_issuer::Issuer::new().unwrap();
        Self {
            keys: issuer.keys.clone(),
            tokens: Mutex::default(),
            issuer,
        }
    }

    /// A good token with every right.
    pub fn token(&self, tenant: &str) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        let token = tokens.entry(tenant.to_owned());
        let made = || self.sign(&claims(tenant, &all_scopes()));
        token.or_insert_with(made).clone()
    }

    pub fn sign(&self, claims: &Value) -> String {
        self.issuer.sign(claims).unwrap()
    }

    /// A token that is signed with what everybody knows.
    pub fn sign_with_public(&self, secret: &[u8], claims: &Value) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(KEY.to_owned());
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    /// Every kind of `Authorization` that must not do, by name.
    pub fn bad(&self) -> Vec<(&'static str, Vec<String>)> {
        let token = self.token(super::HERE);
        let bearer = format!("Bearer {token}");
        let mut bad = vec![
            ("no token", vec![]),
            ("two tokens", vec![bearer.clone(), bearer]),
            ("another scheme", vec![format!("Basic {token}")]),
            ("no scheme", vec![token]),
            ("an empty token", vec!["Bearer ".to_owned()]),
        ];
        let tokens = self.bad_claims().into_iter().chain(self.forged());
        bad.extend(tokens.map(|(name, token)| (name, vec![format!("Bearer {token}")])));
        bad
    }

    /// Tokens of this issuer that say the wrong thing.
    fn bad_claims(&self) -> Vec<(&'static str, String)> {
        let good = claims(super::HERE, &all_scopes());
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            self.sign(&claims)
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(name);
            self.sign(&claims)
        };
        let elsewhere = json!("https://other.example");
        let long = json!("x".repeat(9 * 1024));
        vec![
            ("a very long token", with("padding", long)),
            ("expired", with("exp", json!(now_s() - 3600))),
            ("no expiry", without("exp")),
            ("not yet valid", with("nbf", json!(now_s() + 3600))),
            ("wrong issuer", with("iss", elsewhere.clone())),
            ("no issuer", without("iss")),
            ("wrong audience", with("aud", elsewhere)),
            ("no audience", without("aud")),
            ("no tenant", without(TENANT_CLAIM)),
            ("an empty tenant", with(TENANT_CLAIM, json!(""))),
            ("a tenant in a list", with(TENANT_CLAIM, json!(["acme"]))),
            ("an illegal tenant", with(TENANT_CLAIM, json!("a\u{1f}b"))),
        ]
    }

    /// Tokens that this issuer has not signed so.
    fn forged(&self) -> Vec<(&'static str, String)> {
        let good = claims(super::HERE, &all_scopes());
        let token = self.sign(&good);
        let parts: Vec<&str> = token.split('.').collect();
        let (head, body, signature) = (parts[0], parts[1], parts[2]);
        let other = URL_SAFE_NO_PAD.encode(claims(super::THERE, &all_scopes()).to_string());
        let (point, keys) = (self.issuer.point.as_slice(), self.keys.as_bytes());
        let named = |key| self.issuer.sign_as(key, &good).unwrap();
        let hashed = |secret: &[u8]| self.sign_with_public(secret, &good);
        vec![
            ("garbage", "garbage".to_owned()),
            ("garbage in three parts", "a.b.c".to_owned()),
            ("alg none", unsigned("none", &good)),
            ("alg None", unsigned("None", &good)),
            ("HS256 with the public point", hashed(point)),
            ("HS256 with the key set", hashed(keys)),
            ("another issuer's key", Self::new().sign(&good)),
            ("an unknown key", named(Some("key-2"))),
            ("no key named", named(None)),
            ("other claims", format!("{head}.{other}.{signature}")),
            ("no signature", format!("{head}.{body}.")),
        ]
    }
}

pub fn all_scopes() -> String {
    Scope::ALL.map(Scope::as_str).join(" ")
}

pub fn scopes_but(left_out: &str) -> String {
    let others = Scope::ALL.map(Scope::as_str).into_iter();
    let others: Vec<&str> = others.filter(|scope| *scope != left_out).collect();
    others.join(" ")
}

fn unsigned(algorithm: &str, claims: &Value) -> String {
    let head = json!({ "alg": algorithm, "typ": "JWT", "kid": KEY }).to_string();
    let part = |text: String| URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.", part(head), part(claims.to_string()))
}
