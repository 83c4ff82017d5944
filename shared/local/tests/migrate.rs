//! A file that an older build wrote is opened, and what it holds stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use futures::executor::block_on;
use lattice_ir::{Missed, Overlap, Schedule, TriggerKind};
use lattice_journal::RunStatus;
use lattice_local::{LocalOptions, LocalStore};
use lattice_model::{Hash, NodeId, RunId, Seq, Tenant, TriggerId, WorkflowId};
use lattice_ports::suites::sample::{Chain, NOON, head, item, run, workflow};
use lattice_ports::{
    Expect, FiringNote, Inbox, Put, RunFilter, RunIndex, RunLog, StoredWorkflow, TriggerRow,
    Triggers, WorkflowPut, Workflows,
};
use rusqlite::Connection;
use std::path::Path;

fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}

/// Writes a row of a run as the first schema had it.
fn add_run(file: &Connection, run: &RunId, status: Option<RunStatus>) {
    let head = status.map(|status| head(run, 2, status, Some(NOON.plus(7))));
    file.execute(
        "INSERT INTO runs
             (run, seq, workflow, name, program, status, started_at, updated_at, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            run.as_str(),
            head.as_ref().map(|head| int(head.seq.get())),
            head.as_ref().map(|head| head.workflow.as_str()),
            head.as_ref().map(|head| head.name.as_str()),
            head.as_ref().map(|head| head.program.as_bytes().to_vec()),
            head.as_ref().map(|head| head.status.as_str()),
            head.as_ref().map(|head| int(head.started_at.get())),
            head.as_ref().map(|head| int(head.updated_at.get())),
            head.as_ref()
                .and_then(|head| head.due_at)
                .map(|due| int(due.get())),
        ),
    )
    .unwrap();
}

fn add_workflow(file: &Connection, stored: &StoredWorkflow) {
    let row = &stored.row;
    file.execute(
        "INSERT OR REPLACE INTO workflows (id, version, name, program, stored_at, document)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            row.id.as_str(),
            row.version.as_bytes(),
            &row.name,
            row.program.as_bytes(),
            int(row.stored_at.get()),
            &*stored.document,
        ),
    )
    .unwrap();
}

/// The file as the first schema had it, written by its own words.
fn first_schema(dir: &Path, fill: impl FnOnce(&Connection)) {
    let file = Connection::open(dir.join("lattice.db")).unwrap();
    file.execute_batch(include_str!("../src/schema/1.sql"))
        .unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    fill(&file);
}

fn open(dir: &Path) -> LocalStore {
    LocalStore::open(dir, &LocalOptions::default()).unwrap()
}

#[test]
fn runs_of_the_first_schema_stay_and_are_those_of_a_laptop() {
    let dir = tempfile::tempdir().unwrap();
    let mut chain = Chain::new(run(1));
    let (one, two) = (chain.next("one", 2), chain.next("two", 1));
    let answer = item(&run(1), "i", "yes");
    first_schema(dir.path(), |file| {
        add_run(file, &run(1), Some(RunStatus::Running));
        add_run(file, &run(2), Some(RunStatus::Waiting));
        add_run(file, &run(3), None);
        let add = "INSERT INTO commits (run, first, id, prev, hash, body)
                   VALUES (1, ?1, ?2, ?3, ?4, ?5)";
        let (id, prev) = (one.id.as_str(), one.prev.as_bytes());
        let values = (
            int(one.first.get()),
            id,
            prev,
            one.hash.as_bytes(),
            &*one.body,
        );
        file.execute(add, values).unwrap();
        let put = "INSERT INTO inbox (run, id, at, body) VALUES (?1, ?2, ?3, ?4)";
        let body = serde_json::to_string(&answer.body).unwrap();
        let (run, id, at) = (
            answer.run.as_str(),
            answer.id.as_str(),
            int(answer.at.get()),
        );
        file.execute(put, (run, id, at, body)).unwrap();
    });
    for _ in 0..2 {
        let store = open(dir.path());
        let local = RunFilter {
            tenant: Some(Tenant::local()),
            limit: 9,
            ..RunFilter::default()
        };
        let mut expected = [
            head(&run(2), 2, RunStatus::Waiting, Some(NOON.plus(7))),
            head(&run(1), 2, RunStatus::Running, Some(NOON.plus(7))),
        ];
        for head in &mut expected {
            (head.tenant, head.forked_from) = (Tenant::local(), None);
        }
        assert_eq!(block_on(store.heads(local)).unwrap(), expected);
        assert_eq!(block_on(store.page(&run(1), Seq::ZERO, 9)).unwrap()[0], one);
        let unread = block_on(store.unread(&run(1), 9)).unwrap();
        assert_eq!(unread, std::slice::from_ref(&answer));
    }
    let store = open(dir.path());
    block_on(store.append(Put::of(two.clone()))).unwrap();
    assert_eq!(
        block_on(store.load(&run(1), Seq::FIRST)).unwrap(),
        [one, two]
    );
    assert!(block_on(store.put_head(head(&run(3), 1, RunStatus::Queued, None))).unwrap());
    let counts = block_on(store.count_by_status()).unwrap();
    let counted = counts.iter().filter(|(_, runs)| *runs > 0).count();
    assert_eq!((counts.len(), counted), (6, 3));
    assert!(counts.contains(&(RunStatus::Waiting, 1)));
}

#[test]
fn workflows_of_the_first_schema_keep_their_versions_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let local = Tenant::local();
    let of = |id: &str, document: &str| workflow(&local, id, document);
    first_schema(dir.path(), |file| {
        for (id, document) in [("w", "1"), ("v", "1"), ("w", "2"), ("w", "3"), ("w", "1")] {
            add_workflow(file, &of(id, document));
        }
    });
    let store = open(dir.path());
    let stand = |expected: &[&str]| {
        let versions = block_on(store.versions(&local, &WorkflowId::new("w"), 9)).unwrap();
        let expected: Vec<_> = expected.iter().map(|it| of("w", it).row).collect();
        assert_eq!(versions, expected);
    };
    stand(&["1", "3", "2"]);
    let listed = block_on(store.workflows(&local, None, 9)).unwrap();
    assert_eq!(listed, [of("v", "1").row, of("w", "1").row]);
    let read = block_on(store.workflow(&local, &WorkflowId::new("w"), Some(Hash::of(b"2"))));
    assert_eq!(read.unwrap(), Some(of("w", "2")));
    let expect = Expect::Version(Hash::of(b"1"));
    let put = block_on(store.put_workflow(of("w", "4"), expect)).unwrap();
    assert_eq!(put, WorkflowPut::Done);
    stand(&["4", "1", "3", "2"]);
}

/// The file as the second schema had it gets a place for triggers; nothing else changes.
#[test]
fn a_file_of_the_second_schema_takes_triggers() {
    let dir = tempfile::tempdir().unwrap();
    let acme: Tenant = "acme".parse().unwrap();
    first_schema(dir.path(), |file| {
        file.execute_batch(include_str!("../src/schema/2.sql"))
            .unwrap();
        file.pragma_update(None, "user_version", 2).unwrap();
        let stored = workflow(&acme, "w", "1");
        let put = "INSERT INTO workflows (tenant, id, version, name, program, stored_at, document)
                   VALUES ('acme', 'w', ?1, ?2, ?3, ?4, ?5)";
        let row = &stored.row;
        let values = (
            row.version.as_bytes(),
            &row.name,
            row.program.as_bytes(),
            int(row.stored_at.get()),
            &*stored.document,
        );
        file.execute(put, values).unwrap();
    });
    let trigger = TriggerRow {
        id: TriggerId::new("tr_a"),
        tenant: acme.clone(),
        workflow: WorkflowId::new("w"),
        node: NodeId::new("tick"),
        on: TriggerKind::Schedule(Schedule {
            expression: "rate(5 minutes)".to_owned(),
            timezone: "UTC".to_owned(),
            input: serde_json::json!({ "n": 1 }),
            overlap: Overlap::default(),
            missed: Missed::default(),
        }),
        stored_at: NOON,
        pause: None,
        note: FiringNote::default(),
    };
    block_on(open(dir.path()).put_trigger(trigger.clone())).unwrap();
    let store = open(dir.path());
    let listed = block_on(store.triggers(Some(&acme), None, None, 9)).unwrap();
    assert_eq!(listed, [trigger]);
    let stands = block_on(store.versions(&acme, &WorkflowId::new("w"), 9)).unwrap();
    assert_eq!(stands, [workflow(&acme, "w", "1").row]);
}
