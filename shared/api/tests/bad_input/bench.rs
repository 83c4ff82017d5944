//! A schedule whose runs stay open, and what may happen to it.

use crate::support::{Ask, World};
use lattice_driver::Fired;
use lattice_model::{Millis, TriggerId};
use lattice_ports::{Clock, FiringNote, Triggers};
use serde_json::{Value, json};
use std::sync::Arc;

pub const HOUR: u64 = 3_600_000;
/// When the world begins.
pub const BEGAN: u64 = 1_750_000_000_000;

/// A schedule whose runs ask, so that they stay open until somebody answers or cancels.
pub fn asks(policies: &Value) -> Value {
    let mut settings = json!({ "expression": "rate(1 hour)" });
    let of = settings.as_object_mut().unwrap();
    of.extend(policies.as_object().unwrap().clone());
    json!({
        "format": "agent-lattice/workflow", "formatVersion": 1, "id": "asks", "name": "Asks",
        "nodes": [
            { "id": "clock", "type": "scheduleTrigger", "settings": settings },
            { "id": "ok", "type": "askUserQuestion", "settings": {
                "questionText": "Go on?", "options": [{ "label": "Yes" }, { "label": "No" }],
            } },
            { "id": "end", "type": "end" },
        ],
        "edges": [
            { "id": "e1", "from": "clock", "to": "ok" },
            { "id": "e2", "from": "ok", "fromPort": "branch-0", "to": "end" },
            { "id": "e3", "from": "ok", "fromPort": "branch-1", "to": "end" },
        ],
    })
}

pub struct Bench {
    pub world: Arc<World>,
    pub id: TriggerId,
}

impl Bench {
    pub async fn new(policies: Value) -> Self {
        let world = World::new();
        let saved = world.tell(&Ask::create(&asks(&policies))).await;
        assert_eq!(saved.status, 201, "{saved:?}");
        let id = saved.json()["schedules"][0]["id"].clone();
        let id = TriggerId::new(id.as_str().unwrap());
        Self { world, id }
    }

    /// Fires for the hour, as soon as it has come, and carries the run on as far as it leads.
    pub async fn fire(&self, hour: u64) -> Fired {
        let at = Millis::new(BEGAN + hour * HOUR);
        let early = at.since(self.world.clock.now());
        self.world.clock.advance(early);
        let fired = self.world.api.fire(&self.id, at).await.unwrap();
        self.world.settle().await;
        fired
    }

    /// Fires for the hour; the run that it starts.
    pub async fn run(&self, hour: u64) -> String {
        match self.fire(hour).await {
            Fired::Started(started) => started.run.to_string(),
            other => panic!("{other:?}"),
        }
    }

    /// What the sweep does.
    pub async fn sweep(&self) -> usize {
        let started = self.world.api.driver.settle_firings().await.unwrap();
        self.world.settle().await;
        started
    }

    pub async fn end(&self, run: &str) {
        self.world.answer(run).await;
    }

    pub async fn cancel(&self, run: &str) {
        let ask = Ask::new("POST", &format!("/v1/runs/{run}/cancel")).id(run);
        assert_eq!(self.world.tell(&ask).await.status, 202);
        self.world.settle().await;
    }

    pub async fn status(&self, run: &str) -> Value {
        let ask = Ask::get(&format!("/v1/runs/{run}"));
        self.world.tell(&ask).await.json()["status"].clone()
    }

    pub async fn note(&self) -> FiringNote {
        let row = self.world.store.trigger(&self.id).await.unwrap();
        row.unwrap().note
    }

    pub async fn set_note(&self, change: impl FnOnce(&mut FiringNote)) {
        let next = self.note().await.changed(change);
        assert!(self.world.store.note_firing(&self.id, next).await.unwrap());
    }

    /// The hours that have a run, and the runs that are open.
    pub async fn hours(&self) -> (Vec<u64>, Vec<String>) {
        let page = self.world.tell(&Ask::get("/v1/runs")).await.json();
        let (mut hours, mut open) = (Vec::new(), Vec::new());
        for run in page["runs"].as_array().unwrap() {
            let id = run["runId"].as_str().unwrap();
            let log = self.world.log(id).await;
            let at = log[0]["payload"]["trigger"]["at"].as_u64().unwrap();
            hours.push((at - BEGAN) / HOUR);
            if run["status"] == "waiting" || run["status"] == "running" {
                open.push(id.to_owned());
            }
        }
        hours.sort_unstable();
        (hours, open)
    }

    pub async fn row(&self) -> Value {
        let page = self.world.tell(&Ask::get("/v1/schedules")).await.json();
        page["schedules"][0].clone()
    }

    pub async fn act(&self, act: &str) -> Value {
        let path = format!("/v1/schedules/{}/{act}", self.id);
        let ask = Ask::new("POST", &path).id(self.id.as_str());
        let done = self.world.tell(&ask).await;
        assert_eq!(done.status, 200, "{done:?}");
        done.json()
    }
}

pub fn hour(hour: u64) -> String {
    Millis::new(BEGAN + hour * HOUR).rfc3339()
}
