//! Counts what is asked of AWS, and what of it is billed.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Write request units of DynamoDB.
    TableWrites,
    /// Read request units of DynamoDB.
    TableReads,
    /// Requests to SQS, in steps of 64 KB.
    QueueRequests,
    /// Requests to S3 that write or list.
    BucketWrites,
    /// Requests to S3 that read.
    BucketReads,
    /// Requests to Secrets Manager.
    SecretReads,
}

/// Counts the calls of a process. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<Mutex<Snapshot>>);

/// What was counted.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Requests sent, repeats by the SDK included, by `service.Operation`.
    pub calls: BTreeMap<String, u64>,
    /// What is billed for them. DynamoDB's own figures where it gave them.
    pub units: BTreeMap<Unit, f64>,
}

impl Counter {
    /// What was counted since the last reset.
    pub fn snapshot(&self) -> Snapshot {
        self.lock().clone()
    }

    /// Begins anew, and says what was counted until now.
    pub fn reset(&self) -> Snapshot {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn call(&self, service: &str, operation: &str) {
        let mut counted = self.lock();
        let name = format!("{service}.{operation}");
        *counted.calls.entry(name).or_default() += 1;
    }

    pub(crate) fn add(&self, unit: Unit, units: f64) {
        *self.lock().units.entry(unit).or_default() += units;
    }

    // Counting goes on after a panic elsewhere: a count is no reason to stop.
    fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// How often this was called.
    pub fn calls_of(&self, name: &str) -> u64 {
        self.calls.get(name).copied().unwrap_or(0)
    }

    /// All calls of a service.
    pub fn calls_to(&self, service: &str) -> u64 {
        let named = self.calls.iter().filter(|(name, _)| {
            let rest = name.strip_prefix(service);
            rest.is_some_and(|rest| rest.starts_with('.'))
        });
        named.map(|(_, count)| count).sum()
    }

    /// How much of this is billed.
    pub fn units_of(&self, unit: Unit) -> f64 {
        self.units.get(&unit).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn counts_are_read_and_begun_anew() {
        let counter = Counter::default();
        let same = counter.clone();
        counter.call("dynamodb", "PutItem");
        same.call("dynamodb", "PutItem");
        same.call("dynamodbstreams", "Other");
        same.add(Unit::TableWrites, 1.5);
        same.add(Unit::TableWrites, 1.0);
        let counted = counter.reset();
        assert_eq!(counted.calls_of("dynamodb.PutItem"), 2);
        assert_eq!(counted.calls_to("dynamodb"), 2);
        assert_eq!(counted.units_of(Unit::TableWrites), 2.5);
        assert_eq!(counted.units_of(Unit::TableReads), 0.0);
        let shown = serde_json::to_string(&counted).unwrap();
        let expected = r#"{"calls":{"dynamodb.PutItem":2,"dynamodbstreams.Other":1},"units":{"tableWrites":2.5}}"#;
        assert_eq!(shown, expected);
        assert_eq!(counter.snapshot(), Snapshot::default());
    }
}
