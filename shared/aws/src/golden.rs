//! Stored shapes are for ever: an item of each kind as it is written, and read back from the file.
//! `LATTICE_GOLDEN=write` writes the file anew; what changes there has to be readable both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::append::open;
use crate::item::{Item, Reader};
use crate::keys::{CHECKPOINT, COMMITS, HEAD, ITEMS, LINE, NEWEST, S, START, SUMMARY, TRIGGER};
use crate::rows::{head_item, read_head};
use crate::store::{AwsStore, StoreSettings};
use crate::triggers::trigger_item;
use crate::versions::{newest_item, read_row, version_item};
use crate::{Access, AwsSettings, Clients, Http, inbox, slots, triggers};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use lattice_ir::{Missed, Overlap, Schedule, TriggerKind};
use lattice_journal::{RunStatus, RunSummary};
use lattice_model::{Hash, NodeId, Seq, Tenant, TriggerId, WorkflowId};
use lattice_ports::suites::sample::{Chain, NOON, head, item, run, summary, workflow};
use lattice_ports::{Checkpoint, FiringNote, LastFiring, Pause, TriggerRow};
use serde_json::{Map, Value, json};
use std::path::PathBuf;

fn store() -> AwsStore {
    let access = Access {
        key_id: "nobody".to_owned(),
        key: lattice_model::Secret::new("nothing".to_owned()),
        token: None,
    };
    let settings = AwsSettings {
        region: "eu-west-1".to_owned(),
        endpoint: None,
        access,
        attempts: 1,
    };
    Clients::new(&settings, Http::new()).store(&StoreSettings {
        table: "table".to_owned(),
        bucket: "bucket".to_owned(),
        keep_days: 30,
    })
}

fn checkpoint(bytes: usize) -> Checkpoint {
    let body = vec![b'x'; bytes];
    Checkpoint {
        run: run(1),
        seq: Seq::from_stored(16),
        hash: Hash::of(&body),
        body: body.into(),
    }
}

fn trigger() -> TriggerRow {
    TriggerRow {
        id: TriggerId::new("tr_0123456789abcdefghjkmnpqrs"),
        tenant: Tenant::local(),
        workflow: WorkflowId::new("w"),
        node: NodeId::new("clock"),
        on: TriggerKind::Schedule(Schedule {
            expression: "rate(1 hours)".to_owned(),
            timezone: "UTC".to_owned(),
            input: json!({"n": 1}),
            overlap: Overlap::default(),
            missed: Missed::default(),
        }),
        stored_at: NOON,
        pause: None,
        note: FiringNote::default(),
    }
}

/// As it stands after a save, a pause and a firing that waits.
fn resting() -> Item {
    let (row, mut item) = (trigger(), trigger_item(&trigger()).unwrap());
    let note = row.note.changed(|note| {
        note.last = Some(LastFiring {
            at: NOON,
            run: Some(run(1)),
        });
        note.waiting = Some(NOON.plus(60_000));
        note.skipped = Some(NOON.plus(30_000));
    });
    let pause = Pause {
        since: NOON,
        until: Some(NOON.plus(7)),
    };
    let beside = triggers::pause_attribute(&pause).unwrap();
    let noted = triggers::note_attributes(&row.id, &note).unwrap();
    let all = noted.into_iter().chain([beside]);
    item.extend(all.map(|(name, value)| (name.to_owned(), value)));
    item
}

fn samples() -> Vec<(&'static str, Item)> {
    let (store, run) = (store(), run(1));
    let row = workflow(&Tenant::local(), "w", "a document").row;
    let due = head(&run, 3, RunStatus::Waiting, Some(NOON.plus(60_000)));
    vec![
        (
            "commit",
            store.commit_item(&Chain::new(run.clone()).seal("a commit", 2)),
        ),
        ("start key", store.start_item("a key", &run)),
        ("row that is due", head_item(&due, store.keep)),
        (
            "row of a run that is over",
            head_item(&head(&run, 9, RunStatus::Failed, None), store.keep),
        ),
        ("summary", store.summary_item(&summary(&run, 9)).unwrap()),
        ("checkpoint", store.checkpoint_item(&checkpoint(20))),
        (
            "checkpoint in the bucket",
            store.checkpoint_item(&checkpoint(400_000)),
        ),
        (
            "inbox item",
            store.item(&item(&run, "an id", "yes"), 7).unwrap(),
        ),
        ("newest version", newest_item(&row, 3, 2)),
        ("version", version_item(&row, 3, 2)),
        ("trigger", trigger_item(&trigger()).unwrap()),
        ("trigger that rests and waits", resting()),
        ("run in line", slots::sample()),
    ]
}

/// As the console shows it, with bytes in hexadecimal.
fn shown(item: &Item) -> Value {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => json!({"S": text}),
        AttributeValue::N(digits) => json!({"N": digits}),
        AttributeValue::B(blob) => {
            let hex: String = blob
                .as_ref()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            json!({"B": hex})
        }
        other => panic!("no item has such a value: {other:?}"),
    };
    let attributes = item.iter().map(|(name, it)| (name.clone(), value(it)));
    Value::Object(attributes.collect::<Map<_, _>>())
}

fn read_back(shown: &Value) -> Item {
    let bytes = |hex: &str| -> Vec<u8> {
        let pairs = hex.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        pairs.map(byte).collect()
    };
    let value = |value: &Value| {
        let (kind, inner) = value.as_object().unwrap().iter().next().unwrap();
        let text = inner.as_str().unwrap();
        match kind.as_str() {
            "S" => AttributeValue::S(text.to_owned()),
            "N" => AttributeValue::N(text.to_owned()),
            _ => AttributeValue::B(Blob::new(bytes(text))),
        }
    };
    let attributes = shown.as_object().unwrap().iter();
    attributes
        .map(|(name, it)| (name.clone(), value(it)))
        .collect()
}

fn golden() -> (PathBuf, Value) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/items.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|_| "{}".to_owned());
    let golden = serde_json::from_str(&text).unwrap();
    (path, golden)
}

#[test]
fn items_are_written_as_ever() {
    let written: Map<String, Value> = samples()
        .into_iter()
        .map(|(name, item)| (name.to_owned(), shown(&item)))
        .collect();
    let (path, golden) = golden();
    if std::env::var_os("LATTICE_GOLDEN").is_some() {
        let mut text = serde_json::to_string_pretty(&written).unwrap();
        text.push('\n');
        std::fs::write(&path, text).unwrap();
        return;
    }
    assert_eq!(Value::Object(written), golden);
}

#[test]
fn items_that_were_ever_written_are_read() {
    let (_, golden) = golden();
    assert!(golden.as_object().unwrap().len() >= 11);
    for (name, shown) in golden.as_object().unwrap() {
        let item = read_back(shown);
        let reader = Reader(&item);
        match reader.text(S).unwrap() {
            sort if sort.starts_with(COMMITS) => drop(open(&run(1), &item).unwrap()),
            sort if sort.starts_with(ITEMS) => drop(inbox::read(&run(1), &item).unwrap()),
            HEAD => drop(read_head(&item).unwrap()),
            START => drop(reader.text("run").unwrap()),
            SUMMARY => {
                let body = reader.text("body").unwrap();
                drop(serde_json::from_str::<RunSummary>(body).unwrap());
            }
            CHECKPOINT => assert!(reader.hash("hash").is_ok() && reader.seq("seq").is_ok()),
            sort if sort.starts_with(LINE) => drop(slots::read(&item).unwrap()),
            TRIGGER => {
                let read = triggers::read(&item).unwrap();
                let has_note = read.note.is_open() && read.pause.is_some();
                assert_eq!(has_note, name.contains("rests"), "{name}");
                let (pause, note) = (None, FiringNote::default());
                let own = TriggerRow {
                    pause,
                    note,
                    ..read
                };
                assert_eq!(own, trigger());
            }
            sort if sort == NEWEST || sort.starts_with("v#") => drop(read_row(&item).unwrap()),
            sort => panic!("`{name}` stands at an unknown place: {sort}"),
        }
    }
}
