//! A place for each test: a table, a bucket and a queue of its own, on the engine of the process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use lattice_aws::{Access, AwsSettings, AwsStore, Clients, Http, StoreSettings};
use lattice_cloud::engine;
use lattice_model::Secret;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::runtime::{Builder, Runtime};

/// Long enough that the samples, which begin at a fixed moment, never expire.
pub const KEEP_DAYS: u32 = 36_500;

/// A place of one test.
pub struct Place {
    pub name: String,
    pub clients: Clients,
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Settings that name the engine.
pub fn settings(attempts: u32) -> AwsSettings {
    AwsSettings {
        region: "us-east-1".to_owned(),
        endpoint: Some(engine::endpoint().to_owned()),
        access: Access {
            key_id: "test".to_owned(),
            key: Secret::new("test".to_owned()),
            token: None,
        },
        attempts,
    }
}

impl Place {
    /// A table and a bucket that nobody has used.
    pub async fn new() -> Self {
        let place = Self::bare();
        let config = place.clients.sdk();
        create_table(&aws_sdk_dynamodb::Client::new(config), &place.name).await;
        let buckets = aws_sdk_s3::config::Builder::from(config).force_path_style(true);
        let buckets = aws_sdk_s3::Client::from_conf(buckets.build());
        buckets
            .create_bucket()
            .bucket(&place.name)
            .send()
            .await
            .unwrap();
        // What made the place is not what a test counts.
        place.clients.counter().reset();
        place
    }

    /// A name that nobody has, and nothing behind it.
    pub fn bare() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, nth) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let name = format!(
            "lattice-{process}-{nth}-{}",
            now.unwrap().as_nanos() % 1_000_000_000
        );
        Self {
            name,
            clients: Clients::new(&settings(3), Http::new()),
        }
    }

    /// Its store.
    pub fn store(&self) -> AwsStore {
        self.store_of(&self.clients)
    }

    /// Its store as other clients reach it.
    pub fn store_of(&self, clients: &Clients) -> AwsStore {
        self.kept(clients, KEEP_DAYS)
    }

    /// Its store, with what is kept for so many days.
    pub fn kept(&self, clients: &Clients, keep_days: u32) -> AwsStore {
        clients.store(&StoreSettings {
            table: self.name.clone(),
            bucket: self.name.clone(),
            keep_days,
        })
    }

    /// A queue of its own: its address.
    pub async fn queue(&self, visibility_s: u32) -> String {
        let queues = aws_sdk_sqs::Client::new(self.clients.sdk());
        let made = queues
            .create_queue()
            .queue_name(&self.name)
            .attributes(
                QueueAttributeName::VisibilityTimeout,
                visibility_s.to_string(),
            )
            .send()
            .await
            .unwrap();
        self.clients.counter().reset();
        made.queue_url.unwrap()
    }
}

fn attribute(name: &str, kind: ScalarAttributeType) -> AttributeDefinition {
    let attribute = AttributeDefinition::builder().attribute_name(name);
    attribute.attribute_type(kind).build().unwrap()
}

fn keys(partition: &str, sort: &str) -> Vec<KeySchemaElement> {
    let key = |name: &str, kind| {
        let key = KeySchemaElement::builder().attribute_name(name);
        key.key_type(kind).build().unwrap()
    };
    vec![key(partition, KeyType::Hash), key(sort, KeyType::Range)]
}

fn index(name: &str, partition: &str, sort: &str) -> GlobalSecondaryIndex {
    let all = Projection::builder()
        .projection_type(ProjectionType::All)
        .build();
    let index = GlobalSecondaryIndex::builder().index_name(name);
    let index = index.set_key_schema(Some(keys(partition, sort)));
    index.projection(all).build().unwrap()
}

/// The table as the template makes it.
async fn create_table(client: &aws_sdk_dynamodb::Client, name: &str) {
    use ScalarAttributeType::{N, S};
    let definitions = [
        ("p", S),
        ("s", S),
        ("dp", S),
        ("ds", N),
        ("lp", S),
        ("ls", S),
    ];
    let definitions = definitions.map(|(name, kind)| attribute(name, kind));
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(definitions.to_vec()))
        .set_key_schema(Some(keys("p", "s")))
        .global_secondary_indexes(index("due", "dp", "ds"))
        .global_secondary_indexes(index("list", "lp", "ls"))
        .send()
        .await
        .unwrap();
}
