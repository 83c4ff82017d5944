//! What no reachable state may show.

use crate::log::Log;
use crate::programs::ATTEMPTS_MAX;
use crate::world::{Attempt, Happened};
use lattice_engine::{Phase, RunState};
use lattice_ir::{JoinPolicy, OpKind, Plan};
use lattice_journal::payload::{
    BranchOutcome, JoinFired, SignalOutcome, SignalReceived, StageStarted,
};
use lattice_journal::{Event, EventBody, InboxBody, InboxItem};
use lattice_model::{BranchId, Hash, InboxId, StageId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $sentence:literal,)*) => {
        /// A promise; the names are those that the checker prints.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule { $($(#[$doc])* $name,)* }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The rule in words.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            /// The rules as properties of a model, each kept while it is not the broken one.
            pub fn properties() -> Vec<stateright::Property<crate::model::RunModel>> {
                vec![$(stateright::Property::always(
                    $sentence,
                    |_, world: &crate::world::World| world.broken != Some(Self::$name),
                ),)*]
            }
        }
    };
}

rules! {
    /// Protocol, rule 1.
    OneCommitAtASeq: "each seq is written once, and the next one follows the last",
    /// The end is the end.
    NothingBehindTheEnd: "nothing stands behind a terminal event",
    /// Protocol, rule 8.
    JoinOnce: "a join fires once",
    /// Protocol, rule 8.
    JoinByPolicy: "a join fires in the commit that decides it, and counts and skips what the log says",
    /// Protocol, rule 8.
    LosersEnd: "no stage is open in a branch that is over",
    /// Protocol, rule 3.
    StageEndsOnce: "a stage is completed, failed or skipped once",
    /// Protocol, rule 3.
    OwnOutcome: "an outcome is recorded for the attempt that gave it",
    /// Protocol, rule 5.
    Attempts: "a claim is the attempt after the last one, and below the ceiling",
    /// Protocol, rule 5.
    StableKey: "the key of a stage changes with a recorded failure and not otherwise",
    /// Protocol, rule 9.
    InboxOnce: "what somebody asked for is taken once",
    /// Protocol, rule 9.
    NamedWait: "an answer to another visit is refused",
    /// Protocol, rule 11.
    CancelIsWhole: "a cancel and the end that it brings are one commit",
    /// Protocol, rule 2.
    Belief: "what a worker believes at its tail is the fold of the log",
    /// Protocol, rule 5.
    OneEffect: "no two effects of one stage are live",
    /// Protocol, rule 5.
    ClaimFirst: "an effect is live only under a claim in the log",
    /// Protocol, rule 11.
    Fenced: "no worker goes on with an effect that it knows to count no more",
    /// Protocol, rules 6 and 9.
    NothingStuck: "where nothing can happen any more, the run is over or waits for an answer",
}

/// The first rule that a log breaks.
pub fn look_at(plan: &Plan, log: &Log) -> Option<Rule> {
    let mut look = Look {
        plan,
        stages: BTreeMap::new(),
        joined: BTreeSet::new(),
        branches: BTreeMap::new(),
        items: BTreeMap::new(),
        is_over: false,
    };
    let broken = log.events().find_map(|event| look.take(event).err());
    broken.or_else(|| {
        let end = log.head()?;
        let asks = |event: &Event| matches!(event.body, EventBody::CancelRequested(_));
        let is_half = end.commit.events.iter().any(asks) && !end.state.status.is_terminal();
        if is_half {
            return Some(Rule::CancelIsWhole);
        }
        look.at_rest(&end.state).err()
    })
}

/// The first rule that events break which a worker wants to write, because of what happened to it and
/// what it read in the inbox.
pub fn look_at_events(
    events: &[EventBody],
    happened: &[Happened],
    unread: &[&Arc<InboxItem>],
) -> Option<Rule> {
    let gave = |stage: &StageId, attempt: u32| {
        let is_it = |it: &Attempt| it.stage == *stage && it.attempt == attempt;
        happened.iter().any(|it| is_it(&it.what))
    };
    let elsewhere = |inbox: &InboxId| {
        let names = |body: &InboxBody| matches!(body, InboxBody::Signal { node, wait: Some(wait), .. } if wait.as_str() != node.as_str());
        unread
            .iter()
            .any(|item| item.id == *inbox && names(&item.body))
    };
    events.iter().find_map(|event| match event {
        EventBody::LlmStepCompleted(done) if !gave(&done.stage, done.attempt) => {
            Some(Rule::OwnOutcome)
        }
        EventBody::LlmStepFailed(failed) if !gave(&failed.stage, failed.attempt) => {
            Some(Rule::OwnOutcome)
        }
        EventBody::SignalReceived(signal) if elsewhere(&signal.inbox) => {
            let is_refused = matches!(signal.outcome, SignalOutcome::Refused { .. });
            (!is_refused).then_some(Rule::NamedWait)
        }
        _ => None,
    })
}

/// What was seen of the log so far.
struct Look<'a> {
    plan: &'a Plan,
    stages: BTreeMap<StageId, Stage>,
    joined: BTreeSet<StageId>,
    branches: BTreeMap<BranchId, Branch>,
    items: BTreeMap<InboxId, u32>,
    is_over: bool,
}

#[derive(Default)]
struct Stage {
    attempt: u32,
    failures: u32,
    key: Option<(u32, Hash)>,
    is_over: bool,
}

struct Branch {
    split: StageId,
    index: u32,
    succeeded: Option<bool>,
}

type Kept = Result<(), Rule>;

impl Look<'_> {
    fn take(&mut self, event: &Event) -> Kept {
        if self.is_over {
            return Err(Rule::NothingBehindTheEnd);
        }
        self.is_over = event.body.is_terminal();
        match &event.body {
            EventBody::StageStarted(started) => self.claim(started),
            EventBody::StageRetrying(retrying) => {
                self.stage(&retrying.stage).failures += 1;
                Ok(())
            }
            EventBody::StageCompleted(done) => self.end(&done.stage),
            EventBody::StageFailed(failed) => self.end(&failed.stage),
            EventBody::StageSkipped(skipped) => self.end(&skipped.stage),
            EventBody::BranchStarted(started) => {
                let branch = Branch {
                    split: started.split.clone(),
                    index: started.index,
                    succeeded: None,
                };
                self.branches.insert(started.branch.clone(), branch);
                Ok(())
            }
            EventBody::BranchEnded(ended) => {
                let done = matches!(ended.outcome, BranchOutcome::Completed { .. });
                let branch = self.branches.get_mut(&ended.branch);
                let before = branch.and_then(|branch| branch.succeeded.replace(done));
                before.map_or(Ok(()), |_| Err(Rule::LosersEnd))
            }
            EventBody::JoinFired(fired) => self.join(fired),
            EventBody::SignalReceived(signal) => self.signal(signal),
            EventBody::CancelRequested(cancel) => self.count(&cancel.inbox, 1),
            _ => Ok(()),
        }
    }

    fn stage(&mut self, stage: &StageId) -> &mut Stage {
        self.stages.entry(stage.clone()).or_default()
    }

    fn claim(&mut self, started: &StageStarted) -> Kept {
        let stage = self.stage(&started.stage);
        stage.attempt += 1;
        if started.attempt != stage.attempt || started.attempt > ATTEMPTS_MAX || stage.is_over {
            return Err(Rule::Attempts);
        }
        let right = match stage.key.replace((stage.failures, started.key)) {
            None => true,
            Some((failures, key)) => (failures == stage.failures) == (key == started.key),
        };
        right.then_some(()).ok_or(Rule::StableKey)
    }

    fn end(&mut self, stage: &StageId) -> Kept {
        let before = std::mem::replace(&mut self.stage(stage).is_over, true);
        (!before).then_some(()).ok_or(Rule::StageEndsOnce)
    }

    fn signal(&mut self, signal: &SignalReceived) -> Kept {
        // What was kept is counted when it is taken.
        let kept = signal.outcome == SignalOutcome::Buffered;
        self.count(&signal.inbox, if kept { 1 } else { 2 })
    }

    /// An item comes up at most twice: kept, then taken.
    fn count(&mut self, item: &InboxId, stand: u32) -> Kept {
        let before = self.items.insert(item.clone(), stand).unwrap_or(0);
        (before < stand).then_some(()).ok_or(Rule::InboxOnce)
    }

    fn join(&mut self, fired: &JoinFired) -> Kept {
        if !self.joined.insert(fired.stage.clone()) {
            return Err(Rule::JoinOnce);
        }
        let of = |wanted: Option<bool>| -> Vec<u32> {
            let branches = self.branches.values();
            let meant = branches.filter(|it| it.split == fired.split && it.succeeded == wanted);
            let mut places: Vec<u32> = meant.map(|branch| branch.index).collect();
            places.sort_unstable();
            places
        };
        let (done, failed, open) = (of(Some(true)), of(Some(false)), of(None));
        let counts = (done.len(), failed.len(), open.len());
        let verdict = verdict(self.policy(&fired.stage), counts);
        let right = match verdict {
            Some(true) => fired.counted == done && fired.skipped == open,
            Some(false) => fired.counted.is_empty() && fired.skipped == open,
            None => false,
        };
        right.then_some(()).ok_or(Rule::JoinByPolicy)
    }

    fn policy(&self, stage: &StageId) -> JoinPolicy {
        let mut ops = self.plan.program().ops.iter();
        match ops.find(|op| op.name == stage.as_str()).map(|op| &op.kind) {
            Some(OpKind::Join(join)) => join.policy,
            _ => JoinPolicy::All,
        }
    }

    /// Between two commits: no join is due, and nothing is open in a branch that is over.
    fn at_rest(&self, state: &RunState) -> Kept {
        for (stage, open) in &state.stages {
            if let Some(branch) = &open.branch {
                let lives = state
                    .branches
                    .get(branch)
                    .is_some_and(|it| it.end.is_none());
                if !lives {
                    return Err(Rule::LosersEnd);
                }
            }
            let Phase::Joining { split } = &open.phase else {
                continue;
            };
            let of = |wanted| {
                let branches = self.branches.values();
                let meant = branches.filter(|it| it.split == *split && it.succeeded == wanted);
                meant.count()
            };
            let counts = (of(Some(true)), of(Some(false)), of(None));
            if verdict(self.policy(stage), counts).is_some() {
                return Err(Rule::JoinByPolicy);
            }
        }
        Ok(())
    }
}

/// What the policy says of so many branches done, failed and open: `None` = wait.
fn verdict(policy: JoinPolicy, (done, failed, open): (usize, usize, usize)) -> Option<bool> {
    match policy {
        JoinPolicy::FailFast if failed > 0 => Some(false),
        JoinPolicy::All | JoinPolicy::FailFast => (open == 0).then_some(failed == 0),
        JoinPolicy::Quorum { needed } => {
            let needed = needed as usize;
            let reached = (done >= needed).then_some(true);
            reached.or((done + open < needed).then_some(false))
        }
    }
}
