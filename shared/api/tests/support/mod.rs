//! A server inside the test: the API over the memory adapters, two tenants by token, and a model that
//! says what the test tells it. Every answer is held against `docs/openapi.json`.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod ask;
pub mod clock;
pub mod documents;
pub mod growing;
pub mod hooks;
pub mod model;
pub mod spec;
pub mod sse;
pub mod token;

pub use ask::{Answer, Ask};
pub use model::Say;
pub use sse::Reader;
pub use token::Issuer;

use axum::Router;
use lattice_api::{Api, Gate, JwtRules, Kit, Metrics, StreamSettings, Streams, router};
use lattice_driver::{Driver, Observer, Settings};
use lattice_model::{BootId, Millis, Secret};
use lattice_policy::Redactor;
use lattice_ports::Clock;
use lattice_ports::memory::{ManualClock, MapSecrets, MemoryQueue, MemoryStore, QueueRules};
use model::Model;
use serde_json::{Value, json};
use spec::spec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tower::ServiceExt;

pub type Adapters =
    Kit<MemoryStore, MemoryQueue<ManualClock>, Model, ManualClock, clock::Armed, MapSecrets>;

/// The tenant that most tests are.
pub const HERE: &str = "acme";
/// Another one.
pub const THERE: &str = "rival";
/// The port that a server on this machine believes to have.
pub const PORT: u16 = 4870;

pub struct World {
    pub api: Arc<Api<Adapters>>,
    pub store: Arc<MemoryStore>,
    pub streams: Arc<Streams<MemoryStore>>,
    pub clock: ManualClock,
    /// What the clock was told to fire.
    pub schedules: Arc<clock::Armed>,
    pub issuer: Issuer,
    queue: MemoryQueue<ManualClock>,
    says: UnboundedSender<Say>,
    router: Router,
    made: AtomicU64,
}

impl World {
    /// A server that asks for tokens.
    pub fn new() -> Arc<Self> {
        Self::with(StreamSettings::default())
    }

    pub fn with(streams: StreamSettings) -> Arc<Self> {
        let issuer = Issuer::new();
        let rules = JwtRules {
            keys: issuer.keys.clone(),
            issuer: lattice_issuer::ISSUER.to_owned(),
            audience: lattice_issuer::AUDIENCE.to_owned(),
            tenant_claim: lattice_issuer::TENANT_CLAIM.to_owned(),
        };
        Self::behind(Gate::jwt(&rules).unwrap(), issuer, streams)
    }

    /// A server on this machine.
    pub fn loopback() -> Arc<Self> {
        let settings = StreamSettings::default();
        Self::behind(Gate::loopback(PORT), Issuer::new(), settings)
    }

    fn behind(gate: Gate, issuer: Issuer, settings: StreamSettings) -> Arc<Self> {
        let clock = ManualClock::new(Millis::new(1_750_000_000_000), 7);
        let rules = QueueRules {
            visibility_ms: None,
        };
        let queue = MemoryQueue::new(clock.clone(), rules);
        let store = Arc::new(MemoryStore::new());
        let metrics = Arc::new(Metrics::new());
        let streams = Streams::new(Arc::clone(&store), Arc::clone(&metrics), settings);
        let (says, heard) = unbounded_channel();
        let driver = Driver::new(
            (Arc::clone(&store), Arc::new(queue.clone())),
            (Arc::new(Model::new(heard)), Arc::new(clock.clone())),
            Arc::new(Redactor::new()),
            Arc::clone(&streams) as Arc<dyn Observer>,
            Settings {
                exclusive: true,
                ..Settings::new(BootId::new("boot"))
            },
        );
        let schedules = Arc::new(clock::Armed::default());
        let secrets = [
            ("HOOK", documents::SECRET),
            ("STANDARD", documents::STANDARD),
            ("KEY", documents::KEY),
            ("EMPTY", ""),
        ];
        let secrets = secrets.map(|(name, secret)| (name, Secret::new(secret.to_owned())));
        let outside = (Arc::clone(&schedules), Arc::new(MapSecrets::new(secrets)));
        let streams_of = Arc::clone(&streams);
        let api = Api::new(Arc::new(driver), gate, streams_of, metrics, outside);
        Arc::new(Self {
            router: router(&api),
            made: AtomicU64::new(0),
            api,
            store,
            streams,
            clock,
            schedules,
            issuer,
            queue,
            says,
        })
    }

    /// A name that no other thing of this world has.
    pub fn name(&self, what: &str) -> String {
        format!("{what}-{}", self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Tells the model what to say next.
    pub fn say(&self, say: Say) {
        self.says.send(say).unwrap();
    }

    /// Carries every run on until nothing is due.
    pub async fn settle(&self) {
        while let Some(delivery) = self.queue.try_receive(self.clock.monotonic_ms()) {
            let trouble = self.api.driver.handle(&delivery).await.unwrap();
            assert!(trouble.is_none(), "{trouble:?}");
        }
    }

    /// Sends a request and holds the answer against the OpenAPI file.
    pub async fn tell(&self, ask: &Ask) -> Answer {
        let answer = self.send(ask).await;
        let wrong = spec().judge(ask, &answer);
        let (method, path) = (&ask.method, &ask.path);
        assert!(wrong.is_empty(), "{method} {path}: {wrong:?} {answer:?}");
        answer
    }

    /// Sends a request. Of a stream the answer has only what comes first.
    pub async fn send(&self, ask: &Ask) -> Answer {
        let response = self.router.clone().oneshot(ask.request(&self.issuer));
        Answer::read(response.await.unwrap()).await
    }

    /// Opens a stream of this tenant.
    pub async fn open(&self, run: &str, last_seq: u64) -> Reader {
        let ask = Ask::get(&format!("/v1/runs/{run}/stream"));
        self.open_as(ask.query("lastSeq", &last_seq.to_string()))
            .await
    }

    pub async fn open_as(&self, ask: Ask) -> Reader {
        let response = self.router.clone().oneshot(ask.request(&self.issuer));
        Reader::new(response.await.unwrap())
    }

    /// Stores a workflow, new under its id; gives its ETag.
    pub async fn store(&self, document: &Value) -> String {
        let saved = self.tell(&Ask::create(document)).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        saved.header("etag").to_owned()
    }

    /// Starts a run of a stored workflow and carries it on as far as it leads.
    pub async fn start(&self, workflow: &str) -> String {
        let run = self.queue_run(workflow).await;
        self.settle().await;
        run
    }

    /// Starts a run that nobody carries on yet.
    pub async fn queue_run(&self, workflow: &str) -> String {
        self.clock.advance(1);
        let body = json!({ "workflowId": workflow, "input": documents::input() });
        let started = self.tell(&Ask::post("/v1/runs", &body)).await;
        assert_eq!(started.status, 201, "{started:?}");
        started.json()["runId"].as_str().unwrap().to_owned()
    }

    /// A run that asks its question.
    pub async fn asking(&self) -> String {
        let workflow = self.name("asks");
        self.store(&documents::asks(&workflow)).await;
        self.start(&workflow).await
    }

    /// A run that is completed.
    pub async fn completed(&self) -> String {
        let workflow = self.name("quick");
        self.store(&documents::quick(&workflow)).await;
        self.start(&workflow).await
    }

    /// Answers the question of a run.
    pub async fn answer(&self, run: &str) {
        let path = format!("/v1/runs/{run}/signal");
        let answered = self
            .tell(&Ask::post(&path, &documents::answer("Yes")))
            .await;
        assert_eq!(answered.status, 202, "{answered:?}");
        self.settle().await;
    }

    /// The whole log of a run.
    pub async fn log(&self, run: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let ask = Ask::get(&format!("/v1/runs/{run}/events"));
            let ask = ask.query("lastSeq", &events.len().to_string());
            let page = self.tell(&ask.query("limit", "1000")).await.json();
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            if page["more"] == false {
                return events;
            }
        }
    }
}

/// How many events of a log have this type.
pub fn count(log: &[Value], kind: &str) -> usize {
    log.iter().filter(|event| event["type"] == kind).count()
}
