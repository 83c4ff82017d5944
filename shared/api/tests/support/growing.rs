//! A log that the test writes itself, commit by commit.

use super::{HERE, World};
use lattice_driver::Observer;
use lattice_journal::payload::{RunCompleted, RunStarted};
use lattice_journal::{Commit, EventBody, Head, RunStatus, Tail, Totals, ValueRef};
use lattice_model::{CommitId, Hash, Millis, RunId, Seq, WorkflowId};
use lattice_ports::{Appended, Clock, Put, RunLog};
use serde_json::json;
use std::sync::Arc;

pub struct Growing {
    world: Arc<World>,
    pub run: RunId,
    tail: Tail,
}

impl Growing {
    /// A run of the tenant `HERE` with one event.
    pub async fn new(world: &Arc<World>) -> Self {
        let bytes = world.clock.fresh();
        let run = RunId::from_parts(world.clock.now(), bytes[..10].try_into().unwrap());
        let mut log = Self {
            world: Arc::clone(world),
            tail: Tail::empty(run.clone()),
            run,
        };
        log.append(1, true).await;
        log
    }

    pub fn last(&self) -> u64 {
        self.tail.last().get()
    }

    /// Appends so many events in one commit; `told` = this process sees it at once.
    pub async fn append(&mut self, events: usize, told: bool) {
        let bodies = (0..events).map(|_| RunStarted {}.into()).collect();
        self.put(bodies, RunStatus::Running, told).await;
    }

    /// A commit of one event that the store loses.
    pub fn lose(&mut self) {
        let id = CommitId::new(format!("lost-{}", self.last()));
        let lost = Commit::seal(&self.tail, id, Millis::new(1), vec![RunStarted {}.into()]);
        self.tail = self.tail.follow(&lost.unwrap()).unwrap();
    }

    /// Appends the event that ends the run.
    pub async fn end(&mut self, told: bool) {
        let (output, _) = ValueRef::of(json!(null));
        let totals = Totals::default();
        let end = RunCompleted { output, totals };
        self.put(vec![end.into()], RunStatus::Completed, told).await;
    }

    async fn put(&mut self, bodies: Vec<EventBody>, status: RunStatus, told: bool) {
        let at = Millis::new(1);
        let id = CommitId::new(format!("commit-{}", self.last()));
        let commit = Commit::seal(&self.tail, id, at, bodies).unwrap();
        self.tail = self.tail.follow(&commit).unwrap();
        let is_new = commit.first == Seq::FIRST;
        let head = Head {
            tenant: HERE.parse().unwrap(),
            run: self.run.clone(),
            workflow: WorkflowId::new("growing"),
            name: "Growing".to_owned(),
            program: Hash::ZERO,
            seq: self.tail.last(),
            status,
            started_at: at,
            updated_at: at,
            due_at: None,
            forked_from: None,
        };
        let mut put = Put::of(commit.clone());
        put.head = (is_new || status.is_terminal()).then_some(head);
        let appended = self.world.store.append(put).await.unwrap();
        assert_eq!(appended, Appended::Written);
        if told {
            self.world.streams.committed(&commit);
        }
    }
}
