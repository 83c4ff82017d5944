//! A caller of the API, through API Gateway: says who it is, and sends what it is told to.

use crate::drive::wrong::Wrong;
use crate::http::{self, Answer};
use serde_json::Value;

/// A caller.
#[derive(Debug, Clone)]
pub struct Api {
    authority: String,
    host: String,
    token: Option<String>,
}

impl Api {
    /// A caller without a token. `host` is the name of the API at the engine.
    pub fn new(authority: &str, host: &str) -> Self {
        Self {
            authority: authority.to_owned(),
            host: host.to_owned(),
            token: None,
        }
    }

    /// The same caller with this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same caller without a token.
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Its address. The name leads to this machine, as every name below `localhost` does.
    pub fn address(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Its token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Result<Answer, Wrong> {
        self.send("GET", path, &[], String::new()).await
    }

    /// Sends JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, Wrong> {
        let headers = [("content-type", "application/json")];
        self.send("POST", path, &headers, body.to_string()).await
    }

    /// Stores a document, new or not.
    pub async fn put_new(&self, path: &str, body: &str) -> Result<Answer, Wrong> {
        let headers = [("content-type", "application/json"), ("if-none-match", "*")];
        self.send("PUT", path, &headers, body.to_owned()).await
    }

    /// Sends anything.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<hyper::body::Bytes>,
    ) -> Result<Answer, Wrong> {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all = vec![("host", self.host.as_str())];
        all.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        all.extend_from_slice(headers);
        let request = http::request(method, path, &all, body);
        Ok(http::send(&self.authority, request).await?)
    }
}
