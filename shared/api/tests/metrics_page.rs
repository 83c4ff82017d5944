//! `docs/metrics.md` explains every metric that is rendered, with its type and labels, and no other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lattice_api::Metrics;
use lattice_driver::Observer;
use lattice_journal::{Commit, Event, Tail};
use lattice_model::{CommitId, Millis};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Type and labels.
type About = (String, BTreeSet<String>);

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sample(kind: &str) -> Event {
    let path = root().join(format!("events/v1/{kind}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// What Prometheus sees when each metric with labels has counted something.
fn rendered() -> String {
    let metrics = Metrics::new();
    let bodies = ["llm.step.failed", "run.completed"].map(|kind| sample(kind).body);
    let tail = Tail::empty(sample("run.completed").run);
    let at = Millis::new(0);
    let commit = Commit::seal(&tail, CommitId::new("commit_1"), at, bodies.into()).unwrap();
    metrics.committed(&commit);
    metrics.request("getRun", 200);
    metrics.cut("slow");
    metrics.fired("skipped");
    metrics.render(&[])
}

fn in_text(text: &str) -> BTreeMap<String, About> {
    let mut found = BTreeMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        let ending = if kind == "counter" { "_total" } else { "" };
        let about = (kind.to_owned(), labels(text, name));
        found.insert(format!("{name}{ending}"), about);
    }
    found
}

/// The labels of a metric's samples, but for the one that histograms have for themselves.
fn labels(text: &str, metric: &str) -> BTreeSet<String> {
    let samples = text.lines().filter_map(|line| line.split_once('{'));
    let own = samples.filter(|(name, _)| {
        let ending = name.strip_prefix(metric);
        ending.is_some_and(|ending| ["", "_total", "_bucket"].contains(&ending))
    });
    let pairs = own.flat_map(|(_, rest)| rest.split(','));
    let names = pairs.filter_map(|pair| pair.split_once("=\""));
    names
        .map(|(name, _)| name.to_owned())
        .filter(|name| name != "le")
        .collect()
}

fn in_page(page: &str) -> BTreeMap<String, About> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ticked = |cell: &str| -> BTreeSet<String> {
            let parts = cell.split('`').skip(1).step_by(2);
            parts.map(str::to_owned).collect()
        };
        let name = cells[0].trim_end_matches('`').to_owned();
        assert!(cells.len() == 6 && !cells[3].is_empty(), "{line}");
        (name, (cells[1].to_owned(), ticked(cells[2])))
    };
    rows.map(row).collect()
}

#[test]
fn the_page_explains_what_is_rendered() {
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    // What functions count on AWS stands behind.
    let page = page.split("\n## On AWS\n").next().unwrap();
    assert_eq!(in_page(page), in_text(&rendered()));
}

// A metric with labels is rendered from its first count on, so one that the test above does not
// count would be missed by it.
#[test]
fn every_name_that_is_registered_is_rendered_here() {
    let source = include_str!("../src/metrics.rs");
    let list = source.split("names! {").nth(1).unwrap();
    let list = list.split("\n        }\n").next().unwrap();
    let names = list.lines().map(str::trim).filter_map(|line| {
        let name = line.strip_prefix('"')?.split_once("\" ")?.0;
        (!name.contains(' ')).then(|| format!("lattice_{name}"))
    });
    let names: BTreeSet<String> = names.collect();
    let text = rendered();
    let shown = in_text(&text);
    let shown: BTreeSet<String> = shown
        .keys()
        .map(|name| name.trim_end_matches("_total").to_owned())
        .collect();
    assert_eq!(names, shown);
}
