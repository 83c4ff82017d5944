//! Lines in the embedded metric format: the names of the page, and nothing twice.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use super::*;
use std::collections::BTreeSet;

fn counts() -> Counts {
    Counts::new(Labels {
        function: "step",
        deployment: "dev".to_owned(),
    })
}

fn take(counts: &Counts) -> Vec<Value> {
    let lines = counts.take(Map::new());
    let read = |line: String| serde_json::from_str(&line).unwrap();
    lines.into_iter().map(read).collect()
}

#[test]
fn what_was_counted_is_told_once_a_line_for_each_set_of_labels() {
    let counts = counts();
    counts.add(COMMITS, Vec::new(), 2);
    counts.add(COMMITS, Vec::new(), 1);
    counts.add(EVENTS, Vec::new(), 5);
    counts.add(RUNS_ENDED, vec![("status", "failed".to_owned())], 1);
    counts.add(RETRIES, Vec::new(), 0);
    let lines = take(&counts);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert_eq!(lines[0][COMMITS], 3);
    assert_eq!(lines[0][EVENTS], 5);
    assert_eq!(
        (&lines[0]["function"], &lines[0]["stage"]),
        (&"step".into(), &"dev".into())
    );
    let directive = &lines[1]["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], NAMESPACE);
    assert_eq!(
        directive["Dimensions"],
        json!([["stage"], ["stage", "status"]])
    );
    assert_eq!(
        directive["Metrics"],
        json!([{ "Name": RUNS_ENDED, "Unit": "Count" }])
    );
    assert_eq!(
        (&lines[1]["status"], &lines[1][RUNS_ENDED]),
        (&"failed".into(), &1.into())
    );
    assert!(lines[0]["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
    assert!(take(&counts).is_empty());
}

#[test]
fn durations_are_told_one_by_one_a_hundred_a_line() {
    let counts = counts();
    counts.lock().seconds = (0..205).map(f64::from).collect();
    let lines = take(&counts);
    let told: Vec<usize> = lines
        .iter()
        .map(|line| line[STEP_SECONDS].as_array().unwrap().len())
        .collect();
    assert_eq!(told, [100, 100, 5]);
    let unit = &lines[0]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Unit"];
    assert_eq!(unit, "Seconds");
}

#[test]
fn what_stands_beside_is_a_property_and_no_metric() {
    let counts = counts();
    let beside = json!({ "calls": { "dynamodb.PutItem": 2 } });
    let lines = counts.take(beside.as_object().unwrap().clone());
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["calls"]["dynamodb.PutItem"], 2);
    assert!(line.get("_aws").is_none(), "{line}");
}

#[test]
fn every_name_stands_on_the_page_about_metrics() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = std::fs::read_to_string(page).unwrap();
    let named: BTreeSet<&str> = page
        .split('`')
        .filter(|word| word.starts_with("lattice_"))
        .collect();
    for name in NAMES {
        assert!(named.contains(name), "{name}");
    }
}
