//! Triggers: one row under one id, listed by tenant and workflow.

use super::sample::NOON;
use crate::{TriggerRow, Triggers};
use lattice_ir::{Payload, Schedule, TriggerKind, Webhook, WebhookAuth};
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
    }
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
