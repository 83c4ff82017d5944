//! Every assertion on the expanded template, in one list.

mod alarms;
mod api;
mod functions;
mod keeping;
mod queues;
mod roles;
mod rollout;
mod routes;
mod schedules;
mod stages;
mod storage;

pub use alarms::runbook_of;

use crate::template::{Resource, Template};

/// Something that has to hold.
#[derive(Debug, Clone, Copy)]
pub struct Assertion {
    /// Its name.
    pub name: &'static str,
    /// What has to hold, as a sentence.
    pub says: &'static str,
    /// Looks for what it is about, and complains.
    pub look: fn(&Template, &mut Findings),
}

/// What an assertion found.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many resources, or parts of them, it was about.
    pub matched: usize,
    /// What is wrong.
    pub complaints: Vec<String>,
}

impl Findings {
    /// Counts a resource, and complains about it if it is not as it should be.
    pub fn check(&mut self, one: &Resource<'_>, good: bool, otherwise: &str) {
        self.say(one.name, good, otherwise);
    }

    /// The same for something that is not a resource.
    pub fn say(&mut self, name: &str, good: bool, otherwise: &str) {
        self.matched += 1;
        if !good {
            self.complaints.push(format!("`{name}`: {otherwise}"));
        }
    }
}

/// Every assertion.
pub fn all() -> Vec<Assertion> {
    let shelves: [&[Assertion]; 11] = [
        functions::ALL,
        queues::ALL,
        storage::ALL,
        keeping::ALL,
        roles::ALL,
        api::ALL,
        routes::ALL,
        schedules::ALL,
        alarms::ALL,
        rollout::ALL,
        stages::ALL,
    ];
    shelves.concat()
}

/// Everything that is wrong with a template; an assertion that finds nothing to look at is wrong too.
pub fn complaints(template: &Template) -> Vec<String> {
    let mut found = Vec::new();
    for one in all() {
        let mut findings = Findings::default();
        (one.look)(template, &mut findings);
        if findings.matched == 0 {
            found.push(format!("{}: there is nothing that it is about", one.name));
        }
        let says = |complaint| format!("{}: {complaint}", one.name);
        found.extend(findings.complaints.into_iter().map(says));
    }
    found
}
