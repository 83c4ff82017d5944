//! Who issues tokens: keys that API Gateway takes (it knows RSA only), published over HTTP as an
//! OpenID provider does.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::Full;
use hyper::Response;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Whom tokens are for (`aud`).
pub const AUDIENCE: &str = "agent-lattice";
/// The claim that names the tenant.
pub const TENANT_CLAIM: &str = "tenant";
/// Everything that a caller may be granted.
pub const ALL_SCOPES: &str = "workflows:read workflows:write runs:read runs:write hooks:admin";

const KEY: &str = "cloud-key-1";
const KEY_BITS: usize = 2048;
/// Seconds that a token is good for.
const GOOD_FOR_S: u64 = 3_600;

/// Why there is no issuer, or no token.
pub type IssueError = Box<dyn std::error::Error + Send + Sync>;

/// An issuer with a fresh key, published at its own address. Dropping it ends it.
pub struct Issuer {
    url: String,
    key: EncodingKey,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Issuer {
    /// Makes a key and publishes it.
    pub async fn start() -> Result<Self, IssueError> {
        let private = RsaPrivateKey::new(&mut OsRng, KEY_BITS)?;
        let public = RsaPublicKey::from(&private);
        let number = |bytes: Vec<u8>| URL_SAFE_NO_PAD.encode(bytes);
        let keys = json!({"keys": [{
            "kty": "RSA", "alg": "RS256", "use": "sig", "kid": KEY,
            "n": number(public.n().to_bytes_be()), "e": number(public.e().to_bytes_be()),
        }]});
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(publish(listener, url.clone(), keys.to_string()));
        let key = EncodingKey::from_rsa_der(private.to_pkcs1_der()?.as_bytes());
        Ok(Self { url, key, task })
    }

    /// Its name, `iss`: the address under which it publishes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where its keys are.
    pub fn keys_url(&self) -> String {
        format!("{}/.well-known/jwks.json", self.url)
    }

    /// A good token of this tenant.
    pub fn token(&self, tenant: &str, scopes: &str) -> Result<String, IssueError> {
        self.sign(&self.claims(tenant, scopes))
    }

    /// The claims of a good token.
    pub fn claims(&self, tenant: &str, scopes: &str) -> Value {
        let now = now_s();
        json!({
            "iss": self.url, "aud": AUDIENCE, "sub": "somebody", "iat": now - 5, "nbf": now - 5,
            "exp": now + GOOD_FOR_S, "scope": scopes, TENANT_CLAIM: tenant,
        })
    }

    /// A token with these claims.
    pub fn sign(&self, claims: &Value) -> Result<String, IssueError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(KEY.to_owned());
        Ok(encode(&header, claims, &self.key)?)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Seconds since 1970.
pub fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_secs())
}

async fn publish(listener: TcpListener, url: String, keys: String) {
    let about = json!({"issuer": url, "jwks_uri": format!("{url}/.well-known/jwks.json")});
    let about = about.to_string();
    while let Ok((stream, _)) = listener.accept().await {
        let (about, keys) = (about.clone(), keys.clone());
        tokio::spawn(async move {
            let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
                let text = match request.uri().path() {
                    "/.well-known/openid-configuration" => about.clone(),
                    "/.well-known/jwks.json" => keys.clone(),
                    _ => String::new(),
                };
                let mut response = Response::new(Full::new(Bytes::from(text)));
                let json = hyper::header::HeaderValue::from_static("application/json");
                response.headers_mut().insert("content-type", json);
                std::future::ready(Ok::<_, Infallible>(response))
            });
            // A broken connection is the reader's choice; there is nobody to tell.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::http;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation, decode};

    #[tokio::test]
    async fn a_token_is_good_by_the_published_key() {
        let issuer = Issuer::start().await.unwrap();
        let authority = http::authority(issuer.url()).unwrap();
        let ask = async |path: &str| {
            let request = http::request("GET", path, &[("host", &authority)], "");
            http::send(&authority, request).await.unwrap()
        };
        let about = ask("/.well-known/openid-configuration").await.json();
        assert_eq!(about["jwks_uri"], issuer.keys_url());
        let keys: JwkSet =
            serde_json::from_str(&ask("/.well-known/jwks.json").await.text()).unwrap();
        let key = DecodingKey::from_jwk(keys.keys.first().unwrap()).unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[AUDIENCE]);
        let token = issuer.token("acme", ALL_SCOPES).unwrap();
        let read = decode::<Value>(&token, &key, &validation).unwrap();
        assert_eq!(read.claims[TENANT_CLAIM], "acme");
    }
}
