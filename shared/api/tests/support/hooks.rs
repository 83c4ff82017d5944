//! Webhooks as their senders send them: signed, or with a key.

use super::documents::{KEY, SECRET, STANDARD};
use super::{Ask, World};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// HMAC-SHA256.
fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

impl Ask {
    fn hook(path: &str, body: &[u8]) -> Self {
        let ask = Self::new("POST", path).id(path.rsplit('/').next().unwrap());
        // A sender has no token.
        ask.authorization(&[])
            .header("content-type", "application/json")
            .bytes(body)
    }

    /// As GitHub signs.
    pub fn github(path: &str, body: &[u8]) -> Self {
        let hex: String = mac(SECRET.as_bytes(), &[body])
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self::hook(path, body).header("x-hub-signature-256", &format!("sha256={hex}"))
    }

    /// As Standard Webhooks signs, at a moment in seconds.
    pub fn standard(path: &str, body: &[u8], id: &str, at_s: u64) -> Self {
        let key = BASE64
            .decode(STANDARD.trim_start_matches("whsec_"))
            .unwrap();
        let at = at_s.to_string();
        let signed = mac(&key, &[id.as_bytes(), b".", at.as_bytes(), b".", body]);
        Self::hook(path, body)
            .header("webhook-id", id)
            .header("webhook-timestamp", &at)
            .header(
                "webhook-signature",
                &format!("v1,{}", BASE64.encode(signed)),
            )
    }

    /// With a key.
    pub fn keyed(path: &str, body: &[u8]) -> Self {
        Self::hook(path, body).header("x-api-key", KEY)
    }
}

/// A workflow that is started by a webhook.
pub fn hooked(id: &str, authentication: &Value) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": "Hooked",
        "nodes": [
            { "id": "hook", "type": "webhookTrigger", "settings": {
                "authentication": authentication,
            } },
            { "id": "end", "type": "end", "settings": { "output": "{{in.body}}" } },
        ],
        "edges": [{ "id": "e1", "from": "hook", "to": "end" }],
    })
}

/// The same, proven as GitHub proves it.
pub fn github(id: &str) -> Value {
    hooked(
        id,
        &json!({ "type": "hmac-sha256", "secret": "{{secret.HOOK}}" }),
    )
}

/// The same, proven as Standard Webhooks has it.
pub fn standard(id: &str) -> Value {
    hooked(
        id,
        &json!({ "type": "standard-webhooks", "secret": "{{secret.STANDARD}}" }),
    )
}

/// The same with a key, by every method.
pub fn keyed(id: &str) -> Value {
    let mut document = hooked(
        id,
        &json!({ "type": "api-key", "secret": "{{secret.KEY}}" }),
    );
    let methods = json!(["POST", "PUT", "PATCH", "GET"]);
    document["nodes"][0]["settings"]["allowedMethods"] = methods;
    document
}

/// A workflow that the clock starts.
pub fn timed(id: &str, expression: &str) -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": id, "name": "Timed",
        "nodes": [
            { "id": "clock", "type": "scheduleTrigger", "settings": {
                "expression": expression, "input": { "topic": "news" },
            } },
            { "id": "end", "type": "end", "settings": { "output": "{{in.topic}}" } },
        ],
        "edges": [{ "id": "e1", "from": "clock", "to": "end" }],
    })
}

impl World {
    /// Stores a workflow with a webhook, and gives where that is taken.
    pub async fn hook(&self, document: &Value) -> String {
        let saved = self.tell(&Ask::create(document)).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        saved.json()["hooks"][0]["path"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Now, in seconds.
    pub fn now_s(&self) -> u64 {
        use lattice_ports::Clock;
        self.clock.now().get() / 1_000
    }

    /// How many runs there are.
    pub async fn runs(&self) -> usize {
        let runs = self.tell(&Ask::get("/v1/runs")).await.json();
        runs["runs"].as_array().unwrap().len()
    }
}
