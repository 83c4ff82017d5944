//! Everything durable: one table, one bucket.

use crate::bucket::Bucket;
use crate::counter::Counter;
use crate::keys::Keep;
use crate::table::Table;

/// Where everything durable stands, and how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// The table (`LATTICE_TABLE`).
    pub table: String,
    /// The bucket (`LATTICE_BUCKET`).
    pub bucket: String,
    /// Days for which a run is kept (`LATTICE_KEEP_DAYS`), from its start on. A run that may live
    /// longer is refused when it starts.
    pub keep_days: u32,
}

/// Everything durable, over DynamoDB and S3. Clones are the same store.
#[derive(Debug, Clone)]
pub struct AwsStore {
    pub(crate) table: Table,
    pub(crate) bucket: Bucket,
    pub(crate) keep: Keep,
}

impl AwsStore {
    pub(crate) fn new(
        table: aws_sdk_dynamodb::Client,
        bucket: aws_sdk_s3::Client,
        counter: Counter,
        settings: &StoreSettings,
    ) -> Self {
        Self {
            table: Table::new(table, settings.table.clone(), counter),
            bucket: Bucket::new(bucket, settings.bucket.clone()),
            keep: Keep {
                days: settings.keep_days,
            },
        }
    }
}
