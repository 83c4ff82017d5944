//! What the processes do: workers that serve the queue, clients that start, answer and cancel.

use crate::clock::SimClock;
use crate::desk::ProcessId;
use crate::family::root;
use crate::oracle::visits::{item_of, within};
use crate::performer::SimPerformer;
use crate::queue::SimQueue;
use crate::report::BreachKind;
use crate::scenario::{Entry, Whom};
use crate::shadow::Shadow;
use crate::sim::Sim;
use crate::store::SimStore;
use lattice_driver::{Driver, DriverError, Observer, RequestError, Settings, Signal, StartRequest};
use lattice_journal::Commit;
use lattice_model::{BootId, InboxId, NodeId, RunId, StageId};
use lattice_policy::Redactor;
use lattice_ports::{Clock, StageQueue};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The driver of one process.
pub type SimDriver = Driver<SimStore, SimQueue, SimPerformer, SimClock>;

/// The key under which every client starts its run.
const START_KEY: &str = "the one start";
/// How long a client or a worker rests after an error.
pub(crate) const PAUSE_MS: u64 = 1_000;
/// How long a person thinks.
const THOUGHT_MS: u64 = 4_000;

/// A new life of a process.
pub fn driver(sim: &Arc<Sim>, process: ProcessId, life: u32) -> Arc<SimDriver> {
    let boot = match sim.scenario.rig.one_boot {
        true => "boot-of-all".to_owned(),
        false => format!("boot-{process}-{life}"),
    };
    let settings = Settings {
        exclusive: sim.scenario.local,
        chain_stages: sim.scenario.chain,
        guards: sim.scenario.rig.guards,
        ..Settings::new(BootId::new(boot))
    };
    let store = SimStore {
        sim: Arc::clone(sim),
        process,
    };
    let queue = SimQueue {
        sim: Arc::clone(sim),
        process,
    };
    let performer = SimPerformer {
        sim: Arc::clone(sim),
        process,
    };
    let clock = SimClock {
        sim: Arc::clone(sim),
        process,
    };
    Arc::new(Driver::new(
        (Arc::new(store), Arc::new(queue)),
        (Arc::new(performer), Arc::new(clock)),
        Arc::new(Redactor::new()),
        Arc::new(Witness {
            sim: Arc::clone(sim),
        }),
        settings,
    ))
}

/// Is shown what the viewers of a process are shown.
struct Witness {
    sim: Arc<Sim>,
}

impl Observer for Witness {
    // INVARIANT: an event is stored before anyone is shown it.
    fn committed(&self, commit: &Commit) {
        let stands = self
            .sim
            .look_at(&commit.run, |shadow| shadow.commits.contains(commit));
        if stands != Some(true) {
            let text = format!("a commit at {} was shown and is not stored", commit.first);
            self.sim.breach(BreachKind::Lost, text);
        }
    }
}

/// Serves the queue for ever, each delivery by a driver that has seen nothing before.
pub async fn work_forgetfully(sim: Arc<Sim>, process: ProcessId, life: u32) {
    loop {
        let driver = driver(&sim, process, life);
        let delivery = driver.queue().receive().await;
        let handled = match delivery {
            Ok(Some(delivery)) => driver.handle(&delivery).await.map(drop),
            Ok(None) => return,
            Err(error) => Err(error.into()),
        };
        if handled.is_err() {
            sim.clock_sleep(PAUSE_MS).await;
        }
    }
}

/// Serves the queue for ever.
pub async fn work(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    while sim.scenario.local && driver.recover().await.is_err() {
        sim.clock_sleep(PAUSE_MS).await;
    }
    while driver.work().await.is_err() {
        sim.clock_sleep(PAUSE_MS).await;
    }
}

/// Looks once for what nobody looks at. What fails is looked for again the next minute.
pub async fn sweep(driver: Arc<SimDriver>) {
    let _ = driver.sweep().await;
}

/// Starts the run, until it knows that it did.
pub async fn start(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    loop {
        let request = StartRequest {
            tenant: lattice_model::Tenant::local(),
            plan: Arc::clone(&sim.plan),
            input: sim.world.input.clone(),
            key: Some(START_KEY.to_owned()),
            trigger: None,
        };
        let started = match sim.scenario.entry {
            Entry::Queue => driver.start(request).await,
            Entry::Here => driver.start_here(request, |_| {}).await,
        };
        match started {
            Ok(_) => return,
            Err(DriverError::Start(error)) => {
                sim.breach(BreachKind::Wrong, format!("the run was refused: {error}"));
                return;
            }
            Err(_) => sim.clock_sleep(PAUSE_MS).await,
        }
    }
}

/// Cancels the run, until it knows that it did or that the run is over.
pub async fn cancel(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    let run = match sim.scenario.cancel_whom {
        Whom::Root => first_run(&sim).await,
        Whom::Child => first_child(&sim).await,
    };
    while let Err(RequestError::Driver(_)) = driver.cancel(&run, "somebody asked").await {
        sim.clock_sleep(PAUSE_MS).await;
    }
}

/// The inbox item of an answer of the world, by its place among those for the node.
pub fn answer_id(node: &NodeId, number: usize) -> InboxId {
    InboxId::new(format!("answer-{node}-{number}"))
}

/// Answers every question for which the world has answers left.
pub async fn answer(sim: Arc<Sim>, driver: Arc<SimDriver>) {
    let run = first_run(&sim).await;
    let left = sim.world.answers.iter().map(numbered).collect();
    answer_run(&sim, &driver, run, left).await;
}

/// Answers every question of a run, and of those below it, for which there are answers left.
pub(crate) async fn answer_run(sim: &Sim, driver: &SimDriver, run: RunId, mut left: Answers) {
    if sim.scenario.early {
        for (node, answers) in &left {
            for (number, value) in answers {
                let answer = (answer_id(node, *number), node, None);
                deliver(sim, driver, &run, answer, value).await;
            }
        }
        return;
    }
    while let Some((stage, node)) = asked(sim, &run, &left).await {
        sim.clock_sleep(THOUGHT_MS).await;
        let key = key_of(&stage, &node);
        // Who answers one of many items says which.
        let wait = (key != node).then_some(&stage);
        if let Some(value) = &sim.scenario.rig.stray_answer {
            stray(sim, driver, &run, &node, value).await;
        }
        let next = left.get_mut(&key).and_then(VecDeque::pop_front);
        if let Some((number, value)) = next {
            let answer = (answer_id(&key, number), &node, wait);
            deliver(sim, driver, &run, answer, &value).await;
        }
    }
}

/// The answers that are left for each node, with their numbers.
pub(crate) type Answers = BTreeMap<NodeId, VecDeque<(usize, Value)>>;

fn numbered((node, answers): (&NodeId, &Vec<Value>)) -> (NodeId, VecDeque<(usize, Value)>) {
    (node.clone(), answers.iter().cloned().enumerate().collect())
}

/// The run that was started, as soon as it is there.
pub(crate) async fn first_run(sim: &Sim) -> RunId {
    sim.until(|shadows| root(shadows).map(|shadow| shadow.tail.run().clone()))
        .await
}

/// The first run that the root calls; it may never come.
async fn first_child(sim: &Sim) -> RunId {
    let is_child = |shadow: &&Shadow| {
        let parent = shadow.state.parent.as_ref();
        parent.is_some_and(|parent| parent.depth == 1)
    };
    sim.until(|shadows| {
        let child = shadows.values().find(is_child)?;
        Some(child.tail.run().clone())
    })
    .await
}

/// By what the world knows who asks: a node, and the item if it is in one.
fn key_of(stage: &StageId, node: &NodeId) -> NodeId {
    NodeId::new(within(node.as_str(), item_of(stage.as_str())))
}

/// A stage that asks, its node, and for which answers are left; `None` once the run is over.
async fn asked(sim: &Sim, run: &RunId, left: &Answers) -> Option<(StageId, NodeId)> {
    let has_answers = |(stage, node): &(&StageId, &NodeId)| {
        let answers = left.get(&key_of(stage, node));
        answers.is_some_and(|answers| !answers.is_empty())
    };
    sim.until(|shadows| {
        if shadows.get(run)?.state.status.is_terminal() {
            return Some(None);
        }
        let is_kin = |shadow: &&Shadow| {
            let parent = shadow.state.parent.as_ref();
            shadow.tail.run() == run || parent.is_some_and(|parent| parent.root == *run)
        };
        let kin = shadows.values().filter(is_kin);
        let questions = kin.flat_map(|shadow| shadow.state.questions());
        let mut questions = questions.map(|(stage, node, ..)| (stage, node));
        let found = questions.find(has_answers);
        found.map(|(stage, node)| Some((stage.clone(), node.clone())))
    })
    .await
}

/// Gives one answer until it is taken or plainly of no use, and waits until the run has read it.
async fn deliver(
    sim: &Sim,
    driver: &SimDriver,
    run: &RunId,
    (id, node, wait): (InboxId, &NodeId, Option<&StageId>),
    value: &Value,
) {
    let signal = Signal {
        node: node.clone(),
        wait: wait.cloned(),
        value: value.clone(),
        id: Some(id.clone()),
    };
    loop {
        let open = takers(sim, run, &signal);
        match driver.signal(run, signal.clone()).await {
            Ok(_) => break sim.let_in(&id),
            Err(RequestError::Driver(_)) => sim.clock_sleep(PAUSE_MS).await,
            Err(error) => {
                // INVARIANT: who is asked all the while is not sent away with a fitting answer.
                let still = takers(sim, run, &signal);
                if let Some(stage) = still.iter().find(|stage| open.contains(stage)) {
                    let text = format!("`{stage}` asks and `{id}` was sent away: {error}");
                    sim.breach(BreachKind::Lost, text);
                }
                return sim.turn_away(id);
            }
        }
    }
    sim.until(|shadows| {
        let reader = sim.reader_of(&id).unwrap_or_else(|| run.clone());
        let shadow = shadows.get(&reader)?;
        (shadow.has_folded(&id) || shadow.state.status.is_terminal()).then_some(())
    })
    .await;
}

/// The open questions of a run that an answer is for and fits, and that no clock takes for over.
fn takers(sim: &Sim, run: &RunId, signal: &Signal) -> Vec<StageId> {
    let margin_ms = sim.scenario.skew_ms;
    let now = sim.clock.now();
    let takes = |shadow: &Shadow| {
        let open = shadow
            .state
            .questions()
            .filter(|(stage, node, question, due)| {
                **node == signal.node
                    && signal.wait.as_ref().is_none_or(|wait| wait == *stage)
                    && question.accept(&signal.value).is_ok()
                    && due.is_none_or(|due| due > now.plus(margin_ms))
            });
        open.map(|(stage, ..)| stage.clone()).collect()
    };
    sim.look_at(run, takes).unwrap_or_default()
}

/// Answers a visit that is not the open one.
async fn stray(sim: &Sim, driver: &SimDriver, run: &RunId, node: &NodeId, value: &Value) {
    let signal = Signal {
        node: node.clone(),
        wait: Some(StageId::new("an older visit")),
        value: value.clone(),
        id: Some(InboxId::new("stray")),
    };
    while let Err(RequestError::Driver(_)) = driver.signal(run, signal.clone()).await {
        sim.clock_sleep(PAUSE_MS).await;
    }
}
