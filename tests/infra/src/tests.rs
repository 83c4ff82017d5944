//! The assertions on the template as it is, and each of them on a template with its fault.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::assertions::{self, runbook_of};
use crate::template::Template;
use crate::{faults, files, planted};
use std::collections::BTreeSet;

fn template() -> Template {
    let text = std::fs::read_to_string(files::root().join("infra/expanded.json")).unwrap();
    Template::read(&text).unwrap()
}

#[test]
fn the_template_holds_what_it_has_to() {
    let complaints = assertions::complaints(&template());
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_planted_fault_is_noticed_by_its_assertion() {
    let (noticed, all, missed) = faults::noticed(&template());
    assert_eq!(noticed, all, "{}", missed.join("\n"));
}

#[test]
fn every_assertion_has_a_planted_fault_and_a_name_of_its_own() {
    let tried: BTreeSet<_> = planted::all().iter().map(|fault| fault.assertion).collect();
    let names: BTreeSet<_> = assertions::all().iter().map(|one| one.name).collect();
    assert_eq!(tried, names);
    assert_eq!(names.len(), assertions::all().len());
    assert!(names.len() >= 40, "{}", names.len());
}

#[test]
fn a_template_without_anything_satisfies_no_assertion() {
    let empty = Template::read("{}").unwrap();
    let complaints = assertions::complaints(&empty);
    for one in assertions::all() {
        let own = format!("{}: ", one.name);
        assert!(
            complaints
                .iter()
                .any(|complaint| complaint.starts_with(&own)),
            "{own}"
        );
    }
}

#[test]
fn every_runbook_is_named_by_an_alarm() {
    let template = template();
    let named: BTreeSet<_> = template
        .resources()
        .filter_map(|one| runbook_of(&one))
        .collect();
    let budget = "budget".to_owned();
    let pages = files::runbooks()
        .into_iter()
        .filter(|page| *page != budget)
        .collect();
    assert_eq!(named, pages);
}
