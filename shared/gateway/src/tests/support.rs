//! A world for tests: four functions over the same memory, a queue that may hang, an issuer.

use crate::gateway::Gateway;
use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http_body_util::BodyExt;
use lambda_http::http::Response;
use lambda_http::request::from_str;
use lambda_http::{Context, RequestExt};
use lattice_api::{Api, Gate, JwtRules, Kit, Metrics, StreamSettings, Streams};
use lattice_driver::{Driver, Settings, Unobserved};
use lattice_issuer::{AUDIENCE, ISSUER, Issuer, TENANT_CLAIM, claims};
use lattice_lambda::logs::Labels;
use lattice_lambda::{Counts, NoEffects, Teller};
use lattice_model::{BootId, Millis, Secret, Tenant, TriggerId};
use lattice_policy::Redactor;
use lattice_ports::memory::{ManualClock, MapSecrets, MemorySchedules, MemoryStore};
use lattice_ports::{Clock, Delivery, Message, PortError, Receipt, StageQueue, Triggers};
use lattice_wire::Function;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

type Adapters = Kit<MemoryStore, Queue, NoEffects, ManualClock, MemorySchedules, MapSecrets>;

const HOOK_SECRET: &str = "a secret of the shop";

/// What the queue does with what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Works,
    Hangs,
    Panics,
}

/// A queue that keeps what is sent, or does worse.
#[derive(Clone, Default)]
pub struct Queue {
    mode: Arc<AtomicU8>,
    sent: Arc<Mutex<Vec<Message>>>,
}

impl Queue {
    pub fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }
}

impl StageQueue for Queue {
    async fn send(&self, message: Message, _: u64) -> Result<(), PortError> {
        match self.mode.load(Ordering::SeqCst) {
            mode if mode == Mode::Hangs as u8 => std::future::pending().await,
            mode if mode == Mode::Panics as u8 => panic!("the queue is not well"),
            _ => self.sent.lock().unwrap().push(message),
        }
        Ok(())
    }

    async fn receive(&self) -> Result<Option<Delivery>, PortError> {
        Ok(None)
    }

    async fn ack(&self, _: &Receipt) -> Result<(), PortError> {
        Ok(())
    }

    async fn give_back(&self, _: &Receipt, _: u64) -> Result<(), PortError> {
        Ok(())
    }
}

pub struct World {
    api: Arc<Api<Adapters>>,
    counts: Arc<Counts>,
    clock: ManualClock,
    issuer: Issuer,
    pub queue: Queue,
}

impl World {
    pub fn new() -> Self {
        Self::with(StreamSettings::default())
    }

    pub fn with(settings: StreamSettings) -> Self {
        let issuer = Issuer::new().unwrap();
        let rules = JwtRules {
            keys: issuer.keys.clone(),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            tenant_claim: TENANT_CLAIM.to_owned(),
        };
        let clock = ManualClock::new(Millis::new(1_795_341_600_000), 7);
        let queue = Queue::default();
        let store = Arc::new(MemoryStore::new());
        let metrics = Arc::new(Metrics::new());
        let streams = Streams::new(Arc::clone(&store), Arc::clone(&metrics), settings);
        let driver = Driver::new(
            (store, Arc::new(queue.clone())),
            (Arc::new(NoEffects), Arc::new(clock.clone())),
            Arc::new(Redactor::new()),
            Arc::new(Unobserved),
            Settings::new(BootId::new("boot")),
        );
        let secrets = [("SHOP", Secret::new(HOOK_SECRET.to_owned()))];
        let parts = (
            Arc::new(MemorySchedules::default()),
            Arc::new(MapSecrets::new(secrets)),
        );
        let gate = Gate::jwt(&rules).unwrap();
        let labels = Labels {
            function: "start",
            deployment: "dev".to_owned(),
        };
        Self {
            api: Api::new(Arc::new(driver), gate, streams, metrics, parts),
            counts: Arc::new(Counts::new(labels)),
            clock,
            issuer,
            queue,
        }
    }

    pub fn gateway(&self, function: Function) -> Arc<Gateway<Adapters>> {
        let teller = Teller::new(Arc::clone(&self.counts), Box::new(Map::new));
        Gateway::new(Arc::clone(&self.api), function, None, teller)
    }

    pub fn store(&self) -> &MemoryStore {
        self.api.store()
    }

    pub fn metrics(&self) -> &Metrics {
        &self.api.metrics
    }

    pub fn tenant(&self) -> Tenant {
        "acme".parse().unwrap()
    }

    /// The whole answer to an event: its status and its body.
    pub async fn send(&self, function: Function, event: &Value) -> (u16, Value) {
        read(self.open(function, event).await).await
    }

    /// The same in an invocation that ends so soon.
    pub async fn send_until(&self, function: Function, event: &Value, ms: u64) -> (u16, Value) {
        let mut context = Context::default();
        context.deadline = self.clock.now().get() + ms;
        let request = from_str(&event.to_string()).unwrap();
        let request = request.with_lambda_context(context);
        read(self.gateway(function).answer(request).await).await
    }

    /// The same without telling what was counted.
    pub async fn send_untold(&self, function: Function, event: &Value) -> (u16, Value) {
        let request = from_str(&event.to_string()).unwrap();
        let gateway = self.gateway(function);
        read(gateway.serve(request, &Context::default()).await).await
    }

    pub async fn open(&self, function: Function, event: &Value) -> Response<Body> {
        let request = from_str(&event.to_string()).unwrap();
        self.gateway(function).answer(request).await
    }

    async fn trigger(&self, node: &str) -> TriggerId {
        let tenant = self.tenant();
        let rows = self.store().triggers(Some(&tenant), None, None, 10).await;
        let rows = rows.unwrap();
        let row = rows.iter().find(|row| row.node.as_str() == node);
        row.unwrap().id.clone()
    }

    pub async fn hook_path(&self) -> String {
        format!("/v1/hooks/{}", self.trigger("hook").await)
    }

    pub async fn schedule_id(&self) -> TriggerId {
        self.trigger("clock").await
    }

    /// A run that waits for an answer.
    pub async fn waiting_run(&self) -> String {
        let asks = json!({
            "format": "agent-lattice/workflow", "formatVersion": 1, "id": "quick", "name": "Asks",
            "nodes": [
                { "id": "start", "type": "start" },
                { "id": "ok", "type": "askUserQuestion", "settings": {
                    "questionText": "Go on?", "options": [{ "label": "Yes" }, { "label": "No" }],
                } },
                { "id": "end", "type": "end", "settings": { "output": {} } },
            ],
            "edges": [
                { "id": "e1", "from": "start", "to": "ok" },
                { "id": "e2", "from": "ok", "fromPort": "branch-0", "to": "end" },
                { "id": "e3", "from": "ok", "fromPort": "branch-1", "to": "end" },
            ],
        });
        let (status, body) = self.send(Function::Start, &put(self, &asks)).await;
        assert_eq!(status, 201, "{body}");
        let mut start = event("start-run");
        start["headers"]["authorization"] = json!(token(self, "acme", "runs:write"));
        let (status, body) = self.send(Function::Start, &start).await;
        assert_eq!(status, 201, "{body}");
        let message = self.queue.sent.lock().unwrap().pop().unwrap();
        self.api.driver.serve(&message, None).await.unwrap();
        body["runId"].as_str().unwrap().to_owned()
    }
}

async fn read(response: Response<Body>) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// An event of `events/invoke/`.
pub fn event(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../events/invoke");
    let text = std::fs::read_to_string(format!("{folder}/{name}.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn token(world: &World, tenant: &str, scopes: &str) -> String {
    let token = world.issuer.sign(&claims(tenant, scopes)).unwrap();
    format!("Bearer {token}")
}

/// The event that stores a document for the first time.
pub fn put(world: &World, document: &Value) -> Value {
    let mut put = event("start-put-workflow");
    put["headers"]["authorization"] = json!(token(world, "acme", "workflows:write"));
    put["body"] = json!(document.to_string());
    put["rawPath"] = json!(format!(
        "/v1/workflows/{}",
        document["id"].as_str().unwrap()
    ));
    put
}

/// The document of the event.
pub fn document() -> Value {
    let put = event("start-put-workflow");
    serde_json::from_str(put["body"].as_str().unwrap()).unwrap()
}

/// A document that begins at a webhook and at a schedule.
pub fn hook_document() -> Value {
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "hooked", "name": "Hooked",
        "nodes": [
            { "id": "hook", "type": "webhookTrigger", "settings": {
                "authentication": { "type": "hmac-sha256", "secret": "{{secret.SHOP}}" },
            } },
            { "id": "clock", "type": "scheduleTrigger", "settings": { "expression": "rate(15 minutes)" } },
            { "id": "end", "type": "end", "settings": { "output": {} } },
        ],
        "edges": [
            { "id": "e1", "from": "hook", "to": "end" },
            { "id": "e2", "from": "clock", "to": "end" },
        ],
    })
}

pub fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(HOOK_SECRET.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={:x}", mac.finalize().into_bytes())
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
