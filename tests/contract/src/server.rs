//! The API as it is served to many: over a store of its own, with tokens, and with workers.

use crate::Failure;
use lattice_api::server::{ServerSettings, serve};
use lattice_api::{Api, Gate, JwtRules, Kit, Metrics, StreamSettings, Streams, router};
use lattice_driver::{Driver, Observer, Settings, StartRequest};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_issuer::{AUDIENCE, ISSUER, Issuer, TENANT_CLAIM, claims};
use lattice_local::{LocalOptions, LocalQueue, LocalSchedules, LocalStore, SystemClock};
use lattice_model::{BootId, Hash, Millis, RunId, Tenant};
use lattice_policy::Redactor;
use lattice_ports::{Expect, StoredWorkflow, WorkflowVersion, Workflows};
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
        Arc::new(LocalSchedules::new(SystemClock::new()?)),
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
        _stop: stop,
    })
}

/// A provider that answers by itself, and the secret of the webhook.
fn environment() -> BTreeMap<String, String> {
    let pairs = [
        ("LATTICE_PROVIDER", "mock"),
        ("LATTICE_SECRET_HOOK", "contract"),
    ];
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
    let compiled = lattice_compiler::compile(DOCUMENT.as_bytes());
    let (Some(document), Some(program)) = (compiled.document, compiled.program) else {
        return Err("the example does not compile".into());
    };
    let tenant: Tenant = TENANT.parse()?;
    let (hash, text) = (program.hash()?, lattice_document::write(&document));
    let row = WorkflowVersion {
        tenant: tenant.clone(),
        id: document.id.clone(),
        name: document.name.clone(),
        version: Hash::of(text.as_bytes()),
        program: hash,
        stored_at: Millis::new(0),
    };
    let workflow = row.id.to_string();
    let store = driver.store();
    store.put_program(hash, Arc::new(program)).await?;
    let document = text.into();
    store
        .put_workflow(StoredWorkflow { row, document }, Expect::Absent)
        .await?;
    let input: Value = serde_json::from_str(INPUT)?;
    let request = StartRequest {
        tenant,
        plan: driver.plan(hash).await?,
        input,
        key: None,
        trigger: None,
    };
    let started = driver.start(request).await?;
    Ok((workflow, started.run))
}
