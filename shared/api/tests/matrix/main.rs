//! Every route against every check. The operations come from `docs/openapi.json`; a row of `rows` says
//! how each is asked well, and every other request is made of that one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bodies;
mod callers;
mod names;
mod queries;
mod rows;
#[path = "../support/mod.rs"]
mod support;
mod tally;

use rows::{ROWS, Row};
use std::collections::BTreeSet;
use support::spec::{Operation, spec};
use support::{Ask, PORT, World};
use tally::Tally;

#[test]
fn every_operation_has_a_row_for_each_good_answer_and_every_row_an_operation() {
    let documented: BTreeSet<(&str, u16)> = spec()
        .operations
        .iter()
        .flat_map(|of| of.good().into_iter().map(|status| (of.id.as_str(), status)))
        .collect();
    let rows: BTreeSet<(&str, u16)> = ROWS.iter().map(|row| (row.id, row.status)).collect();
    assert_eq!(rows.len(), ROWS.len(), "a row stands twice");
    let missing: Vec<_> = documented.difference(&rows).collect();
    assert!(missing.is_empty(), "add to `rows.rs`: {missing:?}");
    let unknown: Vec<_> = rows.difference(&documented).collect();
    assert!(unknown.is_empty(), "not in docs/openapi.json: {unknown:?}");
}

#[tokio::test]
async fn every_route_passes_every_check() {
    let mut tally = Tally::default();
    for operation in &spec().operations {
        let world = World::new();
        good(&world, operation, &mut tally).await;
        let row = row(operation);
        let ask = (row.make)(&world).await;
        callers::check(&world, operation, &ask, row.status, &mut tally).await;
        names::check(&world, operation, &ask, &mut tally).await;
        queries::check(&world, operation, &ask, &mut tally).await;
        bodies::check(&world, operation, &ask, &mut tally).await;
        // Nothing of all this had an effect: what was good before is still as good as new.
        tally
            .good(&world, &operation.id, "after all that", &ask, row.status)
            .await;
        bodies::check_sizes(&world, operation, row, &mut tally).await;
    }
    let world = World::new();
    names::check_strangers(&world, &mut tally).await;
    names::check_methods(&world, &mut tally).await;
    tally.close("behind tokens");
}

#[tokio::test]
async fn a_server_on_this_machine_answers_this_machine_only() {
    let mut tally = Tally::default();
    let world = World::loopback();
    for operation in &spec().operations {
        good(&world, operation, &mut tally).await;
        let row = row(operation);
        let ask = (row.make)(&world).await.authorization(&[]);
        foreign(&world, &operation.id, &ask, &mut tally).await;
        let own = format!("http://localhost:{PORT}");
        let ask = ask.header("origin", &own);
        tally
            .good(&world, &operation.id, "its own page", &ask, row.status)
            .await;
    }
    for path in [
        "/",
        "/v1",
        "/v1/runs/",
        "/nothing",
        "/metrics",
        "/v1/runs/x/y/z",
    ] {
        for method in ["GET", "POST", "BREW"] {
            foreign(&world, "no route", &Ask::new(method, path), &mut tally).await;
            let ask = Ask::new(method, path);
            tally
                .refused(&world, "no route", path, &ask, 404, "LAT-A020")
                .await;
        }
    }
    tally.close("on this machine");
}

/// The row that most requests are made of.
fn row(operation: &Operation) -> &'static Row {
    let found = ROWS.iter().find(|row| row.id == operation.id);
    found.unwrap_or_else(|| panic!("`{}` has no row in `rows.rs`", operation.id))
}

/// Every row gives the answer it is there for, and a head what a reading gives, without its body.
async fn good(world: &World, operation: &Operation, tally: &mut Tally) {
    for row in ROWS.iter().filter(|row| row.id == operation.id) {
        let ask = (row.make)(world).await;
        assert_eq!(ask.method, operation.method, "the row of `{}`", row.id);
        let answer = tally.good(world, row.id, "good", &ask, row.status).await;
        if operation.method == "GET" && !operation.is_hook() {
            let mut ask = ask.clone();
            ask.method = "HEAD".to_owned();
            let head = tally.good(world, row.id, "head", &ask, row.status).await;
            let same = head.media() == answer.media() && head.body.is_empty();
            tally.cell(row.id, "a head is a reading without its body", same, &head);
        }
    }
}

/// A page or a name from elsewhere.
async fn foreign(world: &World, id: &str, ask: &Ask, tally: &mut Tally) {
    let hosts = [
        "evil.example",
        "evil.example:4870",
        "127.0.0.1",
        "127.0.0.1:1",
        "",
    ];
    for host in hosts {
        let ask = ask.clone().header("host", host);
        let name = format!("the host `{host}`");
        tally.refused(world, id, &name, &ask, 403, "LAT-A012").await;
    }
    for origin in [
        "http://evil.example",
        "null",
        "https://localhost:4870",
        "http://localhost",
    ] {
        let ask = ask.clone().header("origin", origin);
        let name = format!("the origin `{origin}`");
        tally.refused(world, id, &name, &ask, 403, "LAT-A012").await;
    }
}
