//! The API as it is served to many: over a store of its own, with tokens, and with workers.

use crate::Failure;
use lattice_api::server::{ServerSettings, serve};
use lattice_api::{
    Api, Gate, JwtRules, Kit, Metrics, StreamSettings, Streams, router, sync_triggers,
};
use lattice_driver::{Driver, Observer, Settings, StartRequest};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_issuer::{AUDIENCE, ISSUER, Issuer, TENANT_CLAIM, claims};
use lattice_local::{LocalOptions, LocalQueue, LocalSchedules, LocalStore, SystemClock};
use lattice_model::{BootId, Hash, Millis, ProgramHash, RunId, WorkflowId};
use lattice_policy::Redactor;
use lattice_ports::{Clock, Expect, StoredWorkflow, WorkflowVersion, Workflows};
use lattice_wire::Scope;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

type ContractKit = Kit<
    LocalStore,
    LocalQueue,
    Provider<EnvSecrets>,
    SystemClock,
    LocalSchedules<SystemClock>,
    EnvSecrets,
>;
type ContractDriver = Driver<LocalStore, LocalQueue, Provider<EnvSecrets>, SystemClock>;

/// A workflow that asks a person, so that its run stays open for a while.
const DOCUMENT: &str = include_str!("../../../examples/support-triage.json");
const INPUT: &str = include_str!("../../../examples/support-triage.input.json");
/// A workflow that anybody starts who has the key, by every method.
const HOOKED: &str = r#"{
    "format": "agent-lattice/workflow", "formatVersion": 1, "id": "hooked", "name": "Hooked",
    "nodes": [
        { "id": "hook", "type": "webhookTrigger", "settings": {
            "authentication": { "type": "api-key", "secret": "{{secret.HOOK}}" },
            "allowedMethods": ["POST", "PUT", "PATCH", "GET"] } },
        { "id": "end", "type": "end", "settings": { "output": "{{in.body}}" } }
    ],
    "edges": [{ "id": "e", "from": "hook", "to": "end" }]
}"#;
/// The secret `HOOK`.
pub const KEY: &str = "contract";
const TENANT: &str = "contract";
/// Workers that carry runs on.
const WORKERS: usize = 4;
/// Streams end soon, so that trying one does not take a minute.
const STREAM_MS: (u64, u64) = (100, 200);

/// A server that runs as long as this process.
pub struct Served {
    /// Where it is.
    pub url: String,
    /// What its callers send.
    pub token: String,
    /// A workflow that it has.
    pub workflow: String,
    /// A run that it has.
    pub run: String,
    /// A webhook that it takes, with the key that every caller sends.
    pub hook: String,
    /// Dropped with the server.
    _stop: watch::Sender<bool>,
}

/// Starts it in a folder of its own.
pub async fn start(dir: &Path) -> Result<Served, Failure> {
    let store = LocalStore::open(dir, &LocalOptions::default())?;
    let metrics = Arc::new(Metrics::new());
    let settings = StreamSettings {
        life_ms: STREAM_MS,
        ..StreamSettings::default()
    };
    let streams = Streams::new(Arc::new(store.clone()), Arc::clone(&metrics), settings);
    let driver = driver(
        &store,
        vec![
            Arc::clone(&metrics) as Arc<dyn Observer>,
            Arc::clone(&streams) as _,
        ],
    )?;
    for _ in 0..WORKERS {
        let driver = Arc::clone(&driver);
        tokio::spawn(async move { driver.work().await });
    }
    let (workflow, run) = populate(&driver).await?;
    let hook = stored(&driver, HOOKED).await?.0;
    let schedules = LocalSchedules::new(SystemClock::new()?);
    let adapters = (&**driver.store(), &schedules);
    let now = driver.clock().now();
    let triggers = sync_triggers(adapters, now, &TENANT.parse()?, &hook).await?;
    let hook = triggers.first().map(|row| row.id.to_string());
    let hook = hook.ok_or("the workflow has no webhook")?;
    let issuer = Issuer::new()?;
    let scopes = Scope::ALL.map(Scope::as_str).join(" ");
    let token = issuer.sign(&claims(TENANT, &scopes))?;
    let gate = Gate::jwt(&JwtRules {
        keys: issuer.keys,
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        tenant_claim: TENANT_CLAIM.to_owned(),
    })?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let outside = (
        Arc::new(schedules),
        Arc::new(EnvSecrets::new(&environment())),
    );
    let api: Arc<Api<ContractKit>> = Api::new(driver, gate, streams, metrics, outside);
    let stop = watch::Sender::new(false);
    let serving = serve(
        listener,
        router(&api),
        ServerSettings::default(),
        stop.subscribe(),
    );
    tokio::spawn(serving);
    Ok(Served {
        url,
        token,
        workflow,
        run: run.to_string(),
        hook,
        _stop: stop,
    })
}

/// A provider that answers by itself, and the secret of the webhook.
fn environment() -> BTreeMap<String, String> {
    let pairs = [("LATTICE_PROVIDER", "mock"), ("LATTICE_SECRET_HOOK", KEY)];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn driver(
    store: &LocalStore,
    observers: Vec<Arc<dyn Observer>>,
) -> Result<Arc<ContractDriver>, Failure> {
    let env = environment();
    let config = ProviderConfig::from_settings(&env, None)?;
    let boot = store
        .boot()
        .cloned()
        .unwrap_or_else(|| BootId::new("contract"));
    let settings = Settings {
        exclusive: true,
        ..Settings::new(boot)
    };
    let performer = Provider::new(config, EnvSecrets::new(&env))?;
    Ok(Arc::new(Driver::new(
        (Arc::new(store.clone()), Arc::new(LocalQueue::new())),
        (Arc::new(performer), Arc::new(SystemClock::new()?)),
        Arc::new(Redactor::new()),
        Arc::new(observers),
        settings,
    )))
}

/// Stores a workflow and starts a run of it.
async fn populate(driver: &ContractDriver) -> Result<(String, RunId), Failure> {
    let (workflow, program) = stored(driver, DOCUMENT).await?;
    let input: Value = serde_json::from_str(INPUT)?;
    let request = StartRequest {
        tenant: TENANT.parse()?,
        plan: driver.plan(program).await?,
        input,
        key: None,
        trigger: None,
    };
    let started = driver.start(request).await?;
    Ok((workflow.to_string(), started.run))
}

/// Stores a workflow.
async fn stored(
    driver: &ContractDriver,
    document: &str,
) -> Result<(WorkflowId, ProgramHash), Failure> {
    let compiled = lattice_compiler::compile(document.as_bytes());
    let (Some(document), Some(program)) = (compiled.document, compiled.program) else {
        return Err("a document of this test does not compile".into());
    };
    let (hash, text) = (program.hash()?, lattice_document::write(&document));
    let row = WorkflowVersion {
        tenant: TENANT.parse()?,
        id: document.id.clone(),
        name: document.name.clone(),
        version: Hash::of(text.as_bytes()),
        program: hash,
        stored_at: Millis::new(0),
    };
    let store = driver.store();
    store.put_program(hash, Arc::new(program)).await?;
    let stored = StoredWorkflow {
        row,
        document: text.into(),
    };
    store.put_workflow(stored, Expect::Absent).await?;
    Ok((document.id, hash))
}
