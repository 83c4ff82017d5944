//! Draws the operations of the comparison: a function of the seed and of what was written.

use super::Operation;
use crate::memory::clock::mix;
use crate::suites::sample::{Chain, NOON, head, item, run, summary, tenant, workflow};
use crate::{Checkpoint, Expect, Put, RunFilter};
use lattice_journal::{Commit, Head, RunStatus};
use lattice_model::{Hash, InboxId, Millis, RunId, Seq, Tenant, WorkflowId};
use std::sync::Arc;

pub(super) const RUNS: u64 = 5;
pub(super) const KEYS: u64 = 4;
pub(super) const TENANTS: u64 = 2;
pub(super) const WORKFLOWS: u64 = 3;
const DOCUMENTS: u64 = 3;
const ITEMS: u64 = 12;

/// The nth tenant.
pub(super) fn owner(number: u64) -> Tenant {
    tenant(&format!("t{number}"))
}

/// The id of the nth workflow.
pub(super) fn workflow_id(number: u64) -> WorkflowId {
    WorkflowId::new(format!("w{number}"))
}

/// Draws operations that mostly fit what is stored, and now and then do not.
pub(super) struct Generator {
    place: u64,
    logs: Vec<(Chain, Vec<Commit>)>,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let logs = (0..RUNS)
            .map(|number| (Chain::new(run(number)), Vec::new()))
            .collect();
        Self {
            place: mix(seed),
            logs,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.place = self.place.wrapping_add(1);
        mix(self.place) % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    fn run(&mut self) -> RunId {
        run(self.below(RUNS))
    }

    /// A moment out of few, so that they collide.
    fn moment(&mut self) -> Millis {
        NOON.plus(self.below(8))
    }

    pub(super) fn next(&mut self) -> Operation {
        match self.below(30) {
            0..8 => Operation::Append(Box::new(self.put())),
            8 => Operation::Load(self.run(), Seq::from_stored(self.below(30))),
            9 => Operation::PutCheckpoint(self.checkpoint()),
            10 => Operation::ReadCheckpoint(self.run()),
            11 => Operation::PutHead(self.head()),
            12 => Operation::Head(self.run()),
            13 => Operation::Heads(self.filter()),
            14 => Operation::Due(self.moment(), self.below(6) as usize),
            15 => {
                let (run, seq) = (self.run(), Seq::from_stored(self.below(30)));
                Operation::Defer(run, seq, self.moment(), self.moment())
            }
            16 | 17 => {
                let (run, id) = (self.run(), format!("i{}", self.below(ITEMS)));
                Operation::PutItem(item(&run, &id, &self.below(3).to_string()))
            }
            18 => Operation::Bury(self.run(), vec![self.item_id(), self.item_id()]),
            19 => Operation::Unread(self.run(), self.below(6) as usize),
            20 => Operation::RunsWithUnread,
            21 | 22 => {
                let (run, after) = (self.run(), Seq::from_stored(self.below(30)));
                Operation::Page(run, after, self.below(9) as usize)
            }
            23 => Operation::Fingerprint(self.run(), self.item_id()),
            _ => self.workflow(),
        }
    }

    fn workflow(&mut self) -> Operation {
        let (owner, id) = (self.owner(), self.workflow_id());
        match self.below(12) {
            0..5 => {
                let document = format!("d{}", self.below(DOCUMENTS));
                let mut put = workflow(&owner, id.as_str(), &document);
                put.row.stored_at = self.moment();
                Operation::PutWorkflow(put, self.expect())
            }
            5 => Operation::DeleteWorkflow(owner, id, self.expect()),
            6..8 => {
                let version = self.one_in(2).then(|| self.version());
                Operation::Workflow(owner, id, version)
            }
            8..10 => {
                let after = self.one_in(2).then_some(id);
                Operation::Workflows(owner, after, self.below(4) as usize)
            }
            _ => Operation::Versions(owner, id, self.below(4) as usize),
        }
    }

    fn owner(&mut self) -> Tenant {
        owner(self.below(TENANTS))
    }

    fn workflow_id(&mut self) -> WorkflowId {
        workflow_id(self.below(WORKFLOWS))
    }

    fn version(&mut self) -> Hash {
        Hash::of(format!("d{}", self.below(DOCUMENTS)).as_bytes())
    }

    fn expect(&mut self) -> Expect {
        match self.below(4) {
            0 => Expect::Absent,
            1 => Expect::Anything,
            _ => Expect::Version(self.version()),
        }
    }

    fn put(&mut self) -> Put {
        let number = self.below(RUNS);
        let (id, events) = (format!("c{}", self.place), 1 + self.below(3) as usize);
        let way = self.below(10);
        let (chain, written) = self.logs[number as usize].clone();
        let commit = match (way, written.last()) {
            (0, Some(last)) => last.clone(),
            (1, Some(last)) => {
                let mut before = Chain::new(run(number));
                written
                    .iter()
                    .filter(|commit| commit.first < last.first)
                    .for_each(|commit| {
                        before.follow(commit);
                    });
                before.seal(&id, events)
            }
            _ => chain.seal(&id, events),
        };
        let last = commit.last().get();
        let mut put = Put::of(commit);
        if self.one_in(6) {
            put.start_key = Some(format!("k{}", self.below(KEYS)));
        }
        if self.one_in(3) {
            put.folds = (0..=self.below(2)).map(|_| self.item_id()).collect();
        }
        if self.one_in(3) {
            put.head = Some(self.head_at(number, last));
        }
        if self.one_in(9) {
            put.summary = Some(summary(&run(number), last));
        }
        put
    }

    fn item_id(&mut self) -> InboxId {
        InboxId::new(format!("i{}", self.below(ITEMS)))
    }

    fn head(&mut self) -> Head {
        let (number, seq) = (self.below(RUNS), self.below(30));
        self.head_at(number, seq)
    }

    fn head_at(&mut self, number: u64, seq: u64) -> Head {
        let status = RunStatus::ALL[self.below(6) as usize];
        let due_at = self.one_in(2).then(|| self.moment());
        Head {
            tenant: self.owner(),
            workflow: self.workflow_id(),
            started_at: self.moment(),
            ..head(&run(number), seq, status, due_at)
        }
    }

    fn filter(&mut self) -> RunFilter {
        RunFilter {
            tenant: self.one_in(3).then(|| self.owner()),
            status: self
                .one_in(3)
                .then(|| RunStatus::ALL[self.below(6) as usize]),
            workflow: self.one_in(3).then(|| self.workflow_id()),
            since: self.one_in(3).then(|| self.moment()),
            until: self.one_in(3).then(|| self.moment()),
            before: self.one_in(3).then(|| self.run()),
            limit: self.below(5) as usize,
        }
    }

    fn checkpoint(&mut self) -> Checkpoint {
        let body = format!("state {}", self.place);
        Checkpoint {
            run: self.run(),
            seq: Seq::from_stored(self.below(30)),
            hash: Hash::of(body.as_bytes()),
            body: Arc::from(body.as_bytes()),
        }
    }

    /// Goes on behind what was written.
    pub(super) fn learn(&mut self, operation: &Operation, answer: &str) {
        let Operation::Append(put) = operation else {
            return;
        };
        if answer != "Written" {
            return;
        }
        let log = self
            .logs
            .iter_mut()
            .find(|(chain, _)| chain.run() == &put.commit.run);
        let (chain, written) = log.unwrap();
        chain.follow(&put.commit);
        written.push((*put.commit).clone());
    }
}
