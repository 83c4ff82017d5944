//! How often each operation was called, and what AWS would bill for it.

use super::call::Call;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

/// A request to a queue is billed once for each 64 KB of it (Amazon SQS pricing, read 2026-11-22).
const SQS_CHUNK_BYTES: usize = 64 * 1024;

/// What one function, or all of them, asked of AWS.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Calls by `service.Operation`.
    pub calls: BTreeMap<String, u64>,
    /// Writes to DynamoDB by kind of item, which is the sort key up to its first `#`.
    pub items: BTreeMap<String, u64>,
    /// DynamoDB write request units, indices included, as the engine reports them.
    pub write_units: f64,
    /// DynamoDB read request units, as the engine reports them.
    pub read_units: f64,
    /// Billed requests to SQS that the functions send; those of the event source mapping are not here.
    pub sqs_requests: u64,
}

impl Counts {
    /// Notes a call that was answered.
    pub fn note(&mut self, call: &Call, sent: &[u8], answer: &Value) {
        let name = format!("{}.{}", call.service, call.operation);
        *self.calls.entry(name).or_default() += 1;
        match call.service.as_str() {
            "dynamodb" => {
                let units = consumed(answer);
                match is_read(&call.operation) {
                    true => self.read_units += units,
                    false => {
                        self.write_units += units;
                        for kind in kinds(&serde_json::from_slice(sent).unwrap_or_default()) {
                            *self.items.entry(kind).or_default() += 1;
                        }
                    }
                }
            }
            "sqs" => {
                let chunks = sent.len().div_ceil(SQS_CHUNK_BYTES).max(1);
                self.sqs_requests += chunks as u64;
            }
            _ => {}
        }
    }

    /// Calls of one operation.
    pub fn of(&self, service: &str, operation: &str) -> u64 {
        let name = format!("{service}.{operation}");
        self.calls.get(&name).copied().unwrap_or_default()
    }

    /// Calls that write to DynamoDB.
    pub fn writes(&self) -> u64 {
        [
            "PutItem",
            "UpdateItem",
            "DeleteItem",
            "TransactWriteItems",
            "BatchWriteItem",
        ]
        .iter()
        .map(|operation| self.of("dynamodb", operation))
        .sum()
    }

    /// Calls that read from DynamoDB.
    pub fn reads(&self) -> u64 {
        [
            "GetItem",
            "Query",
            "Scan",
            "BatchGetItem",
            "TransactGetItems",
        ]
        .iter()
        .map(|operation| self.of("dynamodb", operation))
        .sum()
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        for (name, count) in &other.calls {
            *self.calls.entry(name.clone()).or_default() += count;
        }
        for (kind, count) in &other.items {
            *self.items.entry(kind.clone()).or_default() += count;
        }
        self.write_units += other.write_units;
        self.read_units += other.read_units;
        self.sqs_requests += other.sqs_requests;
    }
}

impl SubAssign<&Self> for Counts {
    fn sub_assign(&mut self, other: &Self) {
        let without = |counts: &mut BTreeMap<String, u64>, other: &BTreeMap<String, u64>| {
            for (name, count) in other {
                let left = counts.entry(name.clone()).or_default();
                *left = left.saturating_sub(*count);
            }
            counts.retain(|_, count| *count > 0);
        };
        without(&mut self.calls, &other.calls);
        without(&mut self.items, &other.items);
        self.write_units -= other.write_units;
        self.read_units -= other.read_units;
        self.sqs_requests = self.sqs_requests.saturating_sub(other.sqs_requests);
    }
}

fn is_read(operation: &str) -> bool {
    matches!(
        operation,
        "GetItem" | "Query" | "Scan" | "BatchGetItem" | "TransactGetItems"
    )
}

/// The kinds of the items that a request writes, one for each.
fn kinds(asked: &Value) -> Vec<String> {
    let kind = |one: &Value| {
        let key = one["Item"]["s"]["S"].as_str();
        let key = key.or_else(|| one["Key"]["s"]["S"].as_str());
        let key = key.unwrap_or("other");
        key.split('#').next().unwrap_or_default().to_owned()
    };
    match asked["TransactItems"].as_array() {
        None => vec![kind(asked)],
        Some(all) => {
            let inner = |one: &Value| {
                let writes = ["Put", "Update", "Delete", "ConditionCheck"];
                writes.iter().find_map(|write| one.get(*write)).map(kind)
            };
            all.iter().filter_map(inner).collect()
        }
    }
}

/// The units of an answer: one table's, or a list of them.
fn consumed(answer: &Value) -> f64 {
    let units = |one: &Value| one["CapacityUnits"].as_f64().unwrap_or_default();
    match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.iter().map(units).sum(),
        one => units(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(service: &str, operation: &str) -> Call {
        Call {
            service: service.to_owned(),
            operation: operation.to_owned(),
        }
    }

    #[test]
    fn calls_and_units_add_up_and_a_part_can_be_taken_away() {
        let mut counts = Counts::default();
        let answer = json!({"ConsumedCapacity": {"CapacityUnits": 3.0}});
        let sent = json!({"Item": {"s": {"S": "c#0001"}}}).to_string();
        counts.note(&call("dynamodb", "PutItem"), sent.as_bytes(), &answer);
        let before = counts.clone();
        let answer = json!({"ConsumedCapacity": [{"CapacityUnits": 2.0}, {"CapacityUnits": 4.0}]});
        let sent = json!({"TransactItems": [
            {"Put": {"Item": {"s": {"S": "c#0002"}}}}, {"Update": {"Key": {"s": {"S": "head"}}}},
        ]});
        let sent = sent.to_string();
        counts.note(
            &call("dynamodb", "TransactWriteItems"),
            sent.as_bytes(),
            &answer,
        );
        let items = |counts: &Counts| counts.items.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(
            items(&counts),
            [("c".to_owned(), 2), ("head".to_owned(), 1)]
        );
        let answer = json!({"ConsumedCapacity": {"CapacityUnits": 0.5}});
        counts.note(&call("dynamodb", "Query"), b"{}", &answer);
        counts.note(
            &call("sqs", "SendMessage"),
            &vec![0; SQS_CHUNK_BYTES + 1],
            &Value::Null,
        );
        assert_eq!((counts.writes(), counts.reads()), (2, 1));
        assert_eq!((counts.write_units, counts.read_units), (9.0, 0.5));
        assert_eq!(counts.sqs_requests, 2);
        counts -= &before;
        assert_eq!((counts.writes(), counts.write_units), (1, 6.0));
        assert_eq!(counts.of("dynamodb", "PutItem"), 0);
        counts += &before;
        assert_eq!(counts.writes(), 2);
    }
}
