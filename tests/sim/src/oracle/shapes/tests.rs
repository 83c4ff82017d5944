//! What each shape comes to, worked out by hand from the rules.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::shapes;
use crate::oracle::{Programs, interpret_family};
use lattice_ir::{Plan, verify};
use lattice_model::NodeId;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The name of each shape, and below it the facts of its outcome as `Display` gives them; the run's
/// id stands as `RUN`. Nothing writes this file but a person.
const EXPECTED: &str = include_str!("expected.txt");

#[test]
fn every_shape_has_a_name_of_its_own_and_parses() {
    let mut names = BTreeSet::new();
    for shape in shapes() {
        assert!(names.insert(shape.name), "two shapes are `{}`", shape.name);
        assert_eq!(verify(&shape.program), Ok(()), "{}", shape.name);
        if let Err(errors) = Plan::new(Arc::new(shape.program)) {
            panic!("{}: {errors:?}", shape.name);
        }
    }
}

#[test]
fn every_shape_comes_to_what_was_worked_out_by_hand() {
    let mut found = String::new();
    for shape in shapes() {
        let world = (shape.world)();
        let below = shape.below.iter().cloned().map(Arc::new);
        let programs: Programs = below.map(|it| (it.hash().unwrap(), it)).collect();
        let outcome = interpret_family(&programs, &shape.program, &world).to_string();
        let facts = outcome.replace(world.run_id.as_str(), "RUN");
        found.push_str(shape.name);
        for fact in facts.lines() {
            found.push_str("\n  ");
            found.push_str(fact);
        }
        found.push('\n');
    }
    for (found, expected) in found.lines().zip(EXPECTED.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.lines().count(), EXPECTED.lines().count());
}

/// The lists are too long for the file: what stands at some of their places, and that each item is at
/// its own.
#[test]
fn results_of_batches_stand_by_the_places_of_their_items() {
    let all = |name: &str| -> Vec<Value> {
        let shape = shapes().into_iter().find(|shape| shape.name == name);
        let shape = shape.unwrap();
        let world = (shape.world)();
        let outcome = interpret_family(&Programs::new(), &shape.program, &world);
        outcome.outputs[&NodeId::new("m")]
            .as_array()
            .unwrap()
            .clone()
    };
    for (place, result) in all("batch_runs").iter().enumerate() {
        assert_eq!(*result, json!(format!("title(a title for rain) {place}")));
    }
    for (place, result) in all("batch_calls").iter().enumerate() {
        let called = [3, 10].contains(&place);
        let right = match called {
            true => json!(format!("a[{place}]({place} {place})")),
            false => json!({ "n": place }),
        };
        assert_eq!(*result, right);
    }
    let goes_on = all("batch_goes_on");
    assert_eq!(goes_on.len(), 20);
    assert_eq!(goes_on[12]["error"]["kind"], json!("refused"));
    assert!(goes_on[4]["waitedUntil"].is_u64());
    let asked = all("batch_asks");
    let labels = [2, 5, 12].map(|place: usize| asked[place]["label"].clone());
    assert_eq!(labels, ["Yes", "No", "No"].map(Value::from));
}
