//! Triggers: one row under one id, listed by tenant and workflow.

use super::sample;
use super::sample::NOON;
use crate::{FiringNote, LastFiring, Pause, TriggerRow, Triggers};
use lattice_ir::{Missed, Overlap, Payload, Schedule, TriggerKind, Webhook, WebhookAuth};
use lattice_model::{NodeId, Tenant, TriggerId, WorkflowId};
use serde_json::json;

fn row(id: &str, tenant: &str, workflow: &str) -> TriggerRow {
    TriggerRow {
        id: TriggerId::new(id),
        tenant: tenant.parse().unwrap(),
        workflow: WorkflowId::new(workflow),
        node: NodeId::new("hook"),
        on: TriggerKind::Webhook(Webhook {
            authentication: WebhookAuth::StandardWebhooks {
                secret: "HOOK".to_owned(),
            },
            methods: vec!["POST".to_owned()],
            payload: Payload::Json,
            schema: Some(json!({"type": "object"})),
        }),
        stored_at: NOON,
        pause: None,
        note: FiringNote::default(),
    }
}

/// What a firing of a moment leaves.
fn fired(before: &FiringNote, minute: u64) -> FiringNote {
    before.changed(|note| {
        note.last = Some(LastFiring {
            at: NOON.plus(minute * 60_000),
            run: Some(sample::run(7)),
        });
    })
}

async fn open(store: &impl Triggers, limit: usize) -> Vec<String> {
    // An index may follow its table a little later.
    let rows = store.open_firings(limit).await.unwrap().into_iter();
    let mut ids: Vec<_> = rows.map(|row| row.id.to_string()).collect();
    ids.sort();
    ids
}

async fn ids(store: &impl Triggers, tenant: Option<&str>, workflow: Option<&str>) -> Vec<String> {
    let tenant: Option<Tenant> = tenant.map(|tenant| tenant.parse().unwrap());
    let workflow = workflow.map(WorkflowId::new);
    let rows = store
        .triggers(tenant.as_ref(), workflow.as_ref(), None, 100)
        .await;
    let rows = rows.unwrap().into_iter();
    rows.map(|row| row.id.to_string()).collect()
}

/// A row is read back as it was put, of either kind; an unknown id has none.
pub async fn a_trigger_is_read_back(store: impl Triggers) {
    let schedule = TriggerRow {
        on: TriggerKind::Schedule(Schedule {
            expression: "cron(0 9 ? * 2-6 *)".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            input: json!({"n": 1.5, "ä": [null]}),
            overlap: Overlap::CancelOld,
            missed: Missed::Once,
        }),
        ..row("tr_b", "local", "w")
    };
    for row in [row("tr_a", "local", "w"), schedule] {
        store.put_trigger(row.clone()).await.unwrap();
        assert_eq!(store.trigger(&row.id).await.unwrap(), Some(row));
    }
    let unknown = TriggerId::new("tr_c");
    assert_eq!(store.trigger(&unknown).await.unwrap(), None);
}

/// The same id again replaces the row, also in the lists.
pub async fn a_trigger_is_replaced(store: impl Triggers) {
    store.put_trigger(row("tr_a", "acme", "w")).await.unwrap();
    let moved = row("tr_a", "acme", "v");
    store.put_trigger(moved.clone()).await.unwrap();
    assert_eq!(store.trigger(&moved.id).await.unwrap(), Some(moved));
    assert!(ids(&store, Some("acme"), Some("w")).await.is_empty());
    assert_eq!(ids(&store, Some("acme"), Some("v")).await, ["tr_a"]);
}

/// A removed row is gone; removing it again is harmless.
pub async fn a_trigger_is_removed(store: impl Triggers) {
    let (gone, stays) = (row("tr_a", "acme", "w"), row("tr_b", "acme", "w"));
    for row in [&gone, &stays] {
        store.put_trigger(row.clone()).await.unwrap();
    }
    for _ in 0..2 {
        store.delete_trigger(&gone.id).await.unwrap();
        assert_eq!(store.trigger(&gone.id).await.unwrap(), None);
        assert_eq!(ids(&store, Some("acme"), None).await, ["tr_b"]);
    }
}

/// Each tenant has its own list, each workflow its part of it, and the owner of the data sees all.
pub async fn triggers_are_listed_by_tenant_and_workflow(store: impl Triggers) {
    for (id, tenant, workflow) in [
        ("tr_d", "acme", "w"),
        ("tr_a", "acme", "v"),
        ("tr_c", "zeta", "w"),
        ("tr_b", "acme", "w"),
    ] {
        store.put_trigger(row(id, tenant, workflow)).await.unwrap();
    }
    assert_eq!(
        ids(&store, Some("acme"), None).await,
        ["tr_a", "tr_b", "tr_d"]
    );
    assert_eq!(ids(&store, Some("acme"), Some("w")).await, ["tr_b", "tr_d"]);
    assert_eq!(ids(&store, Some("zeta"), Some("w")).await, ["tr_c"]);
    assert_eq!(
        ids(&store, None, None).await,
        ["tr_a", "tr_b", "tr_c", "tr_d"]
    );
    assert!(ids(&store, Some("none"), None).await.is_empty());
}

/// Pages go on behind the last id, to the end.
pub async fn triggers_are_listed_page_by_page(store: impl Triggers) {
    let names: Vec<String> = (0..7).map(|n| format!("tr_{n}")).collect();
    for name in names.iter().rev() {
        store.put_trigger(row(name, "acme", "w")).await.unwrap();
    }
    let acme: Tenant = "acme".parse().unwrap();
    for tenant in [Some(&acme), None] {
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = store.triggers(tenant, None, after.as_ref(), 3).await;
            let page = page.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            assert!(page.len() <= 3);
            seen.extend(page.iter().map(|row| row.id.to_string()));
        }
        assert_eq!(seen, names);
    }
}

/// A pause and a note stay over a save, in lists too, and go with the row.
pub async fn a_pause_and_a_note_outlive_a_save(store: impl Triggers) {
    let saved = row("tr_a", "acme", "w");
    store.put_trigger(saved.clone()).await.unwrap();
    let (on, over) = (
        Pause {
            since: NOON,
            until: None,
        },
        Pause {
            since: NOON,
            until: Some(NOON.plus(7)),
        },
    );
    let note = fired(&FiringNote::default(), 1);
    let note = FiringNote {
        waiting: Some(NOON),
        skipped: Some(NOON.plus(1)),
        ..note
    };
    assert!(store.note_firing(&saved.id, note.clone()).await.unwrap());
    for pause in [on, on, over] {
        assert!(store.pause_trigger(&saved.id, pause).await.unwrap());
        store.put_trigger(row("tr_a", "acme", "v")).await.unwrap();
        let expected = TriggerRow {
            workflow: WorkflowId::new("v"),
            pause: Some(pause),
            note: note.clone(),
            ..saved.clone()
        };
        assert_eq!(
            store.trigger(&saved.id).await.unwrap(),
            Some(expected.clone())
        );
        for tenant in [Some(&saved.tenant), None] {
            let listed = store.triggers(tenant, None, None, 9).await.unwrap();
            assert_eq!(listed, std::slice::from_ref(&expected));
        }
    }
    store.delete_trigger(&saved.id).await.unwrap();
    assert!(!store.pause_trigger(&saved.id, on).await.unwrap());
    let next = note.changed(|_| ());
    assert!(!store.note_firing(&saved.id, next).await.unwrap());
    let first = fired(&FiringNote::default(), 1);
    assert!(!store.note_firing(&saved.id, first).await.unwrap());
    assert_eq!(store.trigger(&saved.id).await.unwrap(), None);
    store.put_trigger(saved.clone()).await.unwrap();
    assert_eq!(store.trigger(&saved.id).await.unwrap(), Some(saved));
}

/// Of two who change the note that both have read, one does; a pause in between is no change of it.
pub async fn a_note_is_changed_once_from_each_revision(store: impl Triggers) {
    let id = TriggerId::new("tr_a");
    store.put_trigger(row("tr_a", "acme", "w")).await.unwrap();
    let mut before = FiringNote::default();
    for minute in 0..3 {
        let pause = Pause {
            since: NOON,
            until: Some(NOON.plus(minute)),
        };
        assert!(store.pause_trigger(&id, pause).await.unwrap());
        let (one, other) = (fired(&before, minute), fired(&before, minute + 10));
        let puts = futures::future::join(
            store.note_firing(&id, one.clone()),
            store.note_firing(&id, other.clone()),
        );
        let (first, second) = puts.await;
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_ne!(first, second, "one of them is done");
        let stands = store.trigger(&id).await.unwrap().unwrap().note;
        assert_eq!(stands, if first { one } else { other });
        assert!(!store.note_firing(&id, fired(&before, 20)).await.unwrap());
        let ahead = stands.changed(|_| ()).changed(|_| ());
        assert!(!store.note_firing(&id, ahead).await.unwrap());
        before = stands;
    }
}

/// A row is found as long as its note leaves something to do.
pub async fn open_firings_are_found_until_they_are_done(store: impl Triggers) {
    let names = ["tr_a", "tr_b", "tr_c"];
    for name in names {
        store.put_trigger(row(name, "acme", "w")).await.unwrap();
    }
    assert!(open(&store, 9).await.is_empty());
    let [a, b, c] = names.map(TriggerId::new);
    let blank = FiringNote::default();
    let pending = blank.changed(|note| {
        note.last = Some(LastFiring {
            at: NOON,
            run: None,
        });
    });
    let waits = fired(&blank, 1);
    let waits = FiringNote {
        waiting: Some(NOON),
        ..waits
    };
    let note = async |id: &TriggerId, note: &FiringNote| {
        assert!(store.note_firing(id, note.clone()).await.unwrap());
    };
    note(&a, &pending).await;
    note(&b, &waits).await;
    note(&c, &fired(&blank, 1)).await;
    assert_eq!(open(&store, 9).await, ["tr_a", "tr_b"]);
    assert_eq!(open(&store, 1).await.len(), 1);
    // A save is none of its business.
    store.put_trigger(row("tr_a", "acme", "v")).await.unwrap();
    let rows = store.open_firings(9).await.unwrap();
    let found = rows.iter().find(|row| row.id == a).unwrap();
    assert_eq!((&found.note, found.workflow.as_str()), (&pending, "v"));
    note(&a, &fired(&pending, 2)).await;
    assert_eq!(open(&store, 9).await, ["tr_b"]);
    store.delete_trigger(&b).await.unwrap();
    assert!(open(&store, 9).await.is_empty());
}
