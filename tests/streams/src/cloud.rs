//! The server in its other shape: the API over DynamoDB as the stream function serves it. Its streams
//! hear nothing of the workers beside them, so that every event is found by reading the table.
//!
//! It needs something that speaks DynamoDB and S3 at `AWS_ENDPOINT_URL`, and makes a table of its own
//! there.

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use axum::Router;
use axum::routing::get;
use lattice_api::server::{ServerSettings, serve};
use lattice_api::{Api, Gate, Kit, Metrics, StreamSettings, Streams, router_beside};
use lattice_aws::{AwsSettings, AwsStore, Clients, Http, StoreSettings, SystemClock};
use lattice_driver::{Driver, Settings, Unobserved};
use lattice_effects::{EnvSecrets, Provider, ProviderConfig};
use lattice_model::limits::CLOUD_STREAM_POLL_MS;
use lattice_model::{BootId, limits};
use lattice_policy::Redactor;
use lattice_ports::memory::{MemoryQueue, MemorySchedules, QueueRules};
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Set to the table's name for a server over DynamoDB.
pub const TABLE: &str = "LATTICE_HARNESS_TABLE";

type Queue = MemoryQueue<SystemClock>;
type CloudDriver = Driver<AwsStore, Queue, Provider<EnvSecrets>, SystemClock>;
type Adapters =
    Kit<AwsStore, Queue, Provider<EnvSecrets>, SystemClock, MemorySchedules, EnvSecrets>;
type Anyhow<T> = Result<T, Box<dyn Error>>;

/// Serves until it is told to stop.
pub fn main() -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().map_err(Into::into);
    match runtime.and_then(|runtime| runtime.block_on(run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Anyhow<()> {
    let environment: BTreeMap<String, String> = std::env::vars().collect();
    let aws = AwsSettings::read(|name| environment.get(name).cloned())
        .map_err(|name| format!("`{name}` is not set"))?;
    let clients = Clients::new(&aws, Http::new());
    let table = environment.get(TABLE).cloned().unwrap_or_default();
    make_place(&clients, &table).await?;
    let store = clients.store(&StoreSettings {
        bucket: table.clone(),
        table,
        keep_days: 30,
    });
    let (listener, (driver, api)) = put_together(store, &environment).await?;
    println!("Agent Lattice is at http://{}", listener.local_addr()?);
    let workers: Vec<_> = (0..limits::LOCAL_WORKERS)
        .map(|_| {
            let driver = Arc::clone(&driver);
            tokio::spawn(async move { driver.work().await })
        })
        .collect();
    let counted = Arc::clone(&api);
    let metrics = get(move || async move { counted.metrics.render(&[]) });
    let router = router_beside(&api, Router::new().route("/metrics", metrics));
    let (stop, stopped) = watch::channel(false);
    let serving = tokio::spawn(serve(listener, router, ServerSettings::default(), stopped));
    signal(SignalKind::terminate())?.recv().await;
    api.streams.stop();
    stop.send_replace(true);
    driver.queue().close();
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(serving.await?)
}

type Whole = (TcpListener, (Arc<CloudDriver>, Arc<Api<Adapters>>));

async fn put_together(store: AwsStore, environment: &BTreeMap<String, String>) -> Anyhow<Whole> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let clock = SystemClock::new()?;
    let rules = QueueRules {
        visibility_ms: None,
    };
    let queue = MemoryQueue::new(clock.clone(), rules);
    let config = ProviderConfig::from_settings(environment, None)?;
    let provider = Provider::new(config, EnvSecrets::default())?;
    let metrics = Arc::new(Metrics::new());
    let settings = StreamSettings {
        poll_ms: CLOUD_STREAM_POLL_MS,
        ..StreamSettings::default()
    };
    let store = Arc::new(store);
    let streams = Streams::new(Arc::clone(&store), Arc::clone(&metrics), settings);
    let driver = Arc::new(Driver::new(
        (store, Arc::new(queue)),
        (Arc::new(provider), Arc::new(clock)),
        Arc::new(Redactor::new()),
        Arc::new(Unobserved),
        Settings::new(BootId::new("streams")),
    ));
    let gate = Gate::loopback(listener.local_addr()?.port());
    let parts = (
        Arc::new(MemorySchedules::default()),
        Arc::new(EnvSecrets::default()),
    );
    let api = Api::new(Arc::clone(&driver), gate, streams, metrics, parts);
    Ok((listener, (driver, api)))
}

/// The table as the template makes it, and a bucket of the same name.
async fn make_place(clients: &Clients, name: &str) -> Anyhow<()> {
    use ScalarAttributeType::{N, S};
    let kinds = [
        ("p", S),
        ("s", S),
        ("dp", S),
        ("ds", N),
        ("lp", S),
        ("ls", S),
    ];
    let mut definitions = Vec::new();
    for (name, kind) in kinds {
        let definition = AttributeDefinition::builder().attribute_name(name);
        definitions.push(definition.attribute_type(kind).build()?);
    }
    let tables = aws_sdk_dynamodb::Client::new(clients.sdk());
    tables
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(definitions))
        .set_key_schema(Some(keys("p", "s")?))
        .global_secondary_indexes(index("due", "dp", "ds")?)
        .global_secondary_indexes(index("list", "lp", "ls")?)
        .send()
        .await?;
    let config = aws_sdk_s3::config::Builder::from(clients.sdk()).force_path_style(true);
    let buckets = aws_sdk_s3::Client::from_conf(config.build());
    buckets.create_bucket().bucket(name).send().await?;
    Ok(())
}

fn keys(partition: &str, sort: &str) -> Anyhow<Vec<KeySchemaElement>> {
    let key = |name: &str, kind| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(kind).build()
    };
    Ok(vec![
        key(partition, KeyType::Hash)?,
        key(sort, KeyType::Range)?,
    ])
}

fn index(name: &str, partition: &str, sort: &str) -> Anyhow<GlobalSecondaryIndex> {
    let all = Projection::builder().projection_type(ProjectionType::All);
    let index = GlobalSecondaryIndex::builder().index_name(name);
    let index = index.set_key_schema(Some(keys(partition, sort)?));
    Ok(index.projection(all.build()).build()?)
}
