//! Requests as senders make them, signed without the crate that checks them.
#![allow(dead_code, reason = "each test file uses a part")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use lattice_ir::{Payload, Webhook, WebhookAuth};
use lattice_model::Millis;
use lattice_webhook::{Accepted, Refused, Request, verify};
use sha2::Sha256;

pub const NOW: Millis = Millis::new(1_614_265_330_000);

/// A request that can be changed before it is sent.
#[derive(Clone)]
pub struct Sent {
    pub method: String,
    pub headers: Vec<(String, String)>,
    pub query: String,
    pub body: Vec<u8>,
}

impl Sent {
    pub fn post(kind: &str, body: &[u8]) -> Self {
        Self {
            method: "POST".to_owned(),
            headers: vec![("Content-Type".to_owned(), kind.to_owned())],
            query: String::new(),
            body: body.to_owned(),
        }
    }

    pub fn json(body: &str) -> Self {
        Self::post("application/json", body.as_bytes())
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self
    }

    /// As GitHub signs.
    pub fn signed(self, secret: &str) -> Self {
        let mac = mac(secret.as_bytes(), &self.body);
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        self.header("X-Hub-Signature-256", format!("sha256={hex}"))
    }

    /// As Standard Webhooks signs, at a moment in seconds.
    pub fn standard(self, secret: &str, id: &str, seconds: u64) -> Self {
        let key = STANDARD
            .decode(secret.trim_start_matches("whsec_"))
            .unwrap();
        let signed = [format!("{id}.{seconds}.").as_bytes(), &self.body].concat();
        let signature = STANDARD.encode(mac(&key, &signed));
        self.header("Webhook-Id", id)
            .header("Webhook-Timestamp", seconds.to_string())
            .header("Webhook-Signature", format!("v1,{signature}"))
    }

    pub fn check(&self, webhook: &Webhook, secret: &str) -> Result<Accepted, Refused> {
        self.check_at(webhook, secret, NOW)
    }

    pub fn check_at(
        &self,
        webhook: &Webhook,
        secret: &str,
        now: Millis,
    ) -> Result<Accepted, Refused> {
        let request = Request {
            method: &self.method,
            headers: &self.headers,
            query: &self.query,
            body: &self.body,
        };
        verify(webhook, secret, &request, now)
    }
}

pub fn mac(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

fn webhook(authentication: WebhookAuth) -> Webhook {
    Webhook {
        authentication,
        methods: vec!["POST".to_owned()],
        payload: Payload::Json,
        schema: None,
    }
}

pub fn github() -> Webhook {
    webhook(WebhookAuth::HmacSha256 {
        secret: "S".to_owned(),
        header: "x-hub-signature-256".to_owned(),
    })
}

pub fn standard() -> Webhook {
    webhook(WebhookAuth::StandardWebhooks {
        secret: "S".to_owned(),
    })
}

pub fn api_key() -> Webhook {
    webhook(WebhookAuth::ApiKey {
        secret: "S".to_owned(),
        header: "x-api-key".to_owned(),
    })
}
