//! Random operations on two stores, every answer compared: what the checks forgot to think of.

use super::sample::{Chain, NOON, head, item, run, summary};
use crate::memory::clock::mix;
use crate::{Checkpoint, PortError, Put, RunFilter, Store};
use lattice_journal::{Commit, Head, InboxItem, RunStatus};
use lattice_model::{Hash, InboxId, Millis, RunId, Seq};
use std::fmt::Debug;
use std::sync::Arc;

const RUNS: u64 = 5;
const KEYS: u64 = 4;
const ITEMS: u64 = 12;

/// Performs so many random operations, a function of the seed, on both stores, and compares what
/// they answer; at the end, everything that can be read of each run.
pub async fn compare_stores(left: &impl Store, right: &impl Store, seed: u64, steps: usize) {
    let mut generator = Generator::new(seed);
    for step in 0..steps {
        let operation = generator.next();
        let answer = perform(left, &operation).await;
        let other = perform(right, &operation).await;
        assert_eq!(answer, other, "seed {seed}, step {step}: {operation:?}");
        generator.learn(&operation, &answer);
    }
    for operation in reads() {
        let answer = perform(left, &operation).await;
        assert_eq!(
            answer,
            perform(right, &operation).await,
            "seed {seed}, the end: {operation:?}"
        );
    }
}

#[derive(Debug, Clone)]
enum Operation {
    Append(Box<Put>),
    Load(RunId, Seq),
    PutCheckpoint(Checkpoint),
    ReadCheckpoint(RunId),
    Summary(RunId),
    Key(String),
    PutHead(Head),
    Head(RunId),
    Heads(RunFilter),
    Due(Millis, usize),
    Defer(RunId, Seq, Millis, Millis),
    PutItem(InboxItem),
    Bury(RunId, Vec<InboxId>),
    Unread(RunId, usize),
    RunsWithUnread,
}

/// The answer as a text; of an error only its kind, because its words are the adapter's own.
async fn perform(store: &impl Store, operation: &Operation) -> String {
    match operation.clone() {
        Operation::Append(put) => show(store.append(*put).await),
        Operation::Load(run, from) => show(store.load(&run, from).await),
        Operation::PutCheckpoint(checkpoint) => show(store.put_checkpoint(checkpoint).await),
        Operation::ReadCheckpoint(run) => show(store.checkpoint(&run).await),
        Operation::Summary(run) => show(store.summary(&run).await),
        Operation::Key(key) => show(store.run_of_key(&key).await),
        Operation::PutHead(head) => show(store.put_head(head).await),
        Operation::Head(run) => show(store.head(&run).await),
        Operation::Heads(filter) => show(store.heads(filter).await),
        Operation::Due(now, limit) => show(store.due(now, limit).await),
        Operation::Defer(run, seq, was, until) => show(store.defer(&run, seq, was, until).await),
        Operation::PutItem(item) => show(store.put_item(item).await),
        Operation::Bury(run, ids) => show(store.bury(&run, &ids).await),
        Operation::Unread(run, limit) => show(store.unread(&run, limit).await),
        Operation::RunsWithUnread => show(store.runs_with_unread(99).await.map(|mut runs| {
            runs.sort();
            runs
        })),
    }
}

fn show<T: Debug>(answer: Result<T, PortError>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{error:?}").split(['(', ' ']).take(1).collect(),
    }
}

fn reads() -> Vec<Operation> {
    let mut reads = vec![
        Operation::Heads(RunFilter {
            status: None,
            before: None,
            limit: 99,
        }),
        Operation::Due(NOON.plus(1_000_000), 99),
        Operation::RunsWithUnread,
    ];
    reads.extend((0..KEYS).map(|key| Operation::Key(format!("k{key}"))));
    for run in (0..RUNS).map(run) {
        reads.push(Operation::Load(run.clone(), Seq::FIRST));
        reads.push(Operation::ReadCheckpoint(run.clone()));
        reads.push(Operation::Summary(run.clone()));
        reads.push(Operation::Unread(run, 99));
    }
    reads
}

/// Draws operations that mostly fit what is stored, and now and then do not.
struct Generator {
    place: u64,
    logs: Vec<(Chain, Vec<Commit>)>,
}

impl Generator {
    fn new(seed: u64) -> Self {
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

    fn next(&mut self) -> Operation {
        match self.below(21) {
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
            _ => Operation::RunsWithUnread,
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
        head(&run(number), seq, status, due_at)
    }

    fn filter(&mut self) -> RunFilter {
        RunFilter {
            status: self
                .one_in(2)
                .then(|| RunStatus::ALL[self.below(6) as usize]),
            before: self.one_in(2).then(|| self.run()),
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
    fn learn(&mut self, operation: &Operation, answer: &str) {
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
